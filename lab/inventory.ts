import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { addressOf, hostFolder, type Settings } from './settings.ts';

/** Writes how to reach the hosts: their keys for ssh, and the inventory that names them as one etcd cluster. */
export function writeInventory(lab: Settings, hosts: readonly string[]): void {
  const keys = hosts.map((host) => {
    const [type, key] = readFileSync(join(hostFolder(lab, host), 'host_key.pub'), 'utf8').split(' ');
    return `${addressOf(lab, host)},${host} ${type} ${key}\n`;
  });
  writeFileSync(lab.knownHosts, keys.join(''));

  const lines = hosts.map((host) => `    ${host}: { ansible_host: ${addressOf(lab, host)} }\n`);
  writeFileSync(
    lab.inventory,
    `masters:
  hosts:
${lines.join('')}  vars:
    etcd_cluster: main
    ansible_user: root
    ansible_ssh_private_key_file: ${JSON.stringify(lab.key)}
    ansible_ssh_common_args: ${JSON.stringify(`-o UserKnownHostsFile=${lab.knownHosts}`)}
`,
  );
}
