#!/bin/bash
# Keeps one host running, in a mount namespace of its own: what is mounted here is gone when the last process is.
#   boot.sh FOLDER BASE CGROUP HOST SWITCH NETNS
set -eu
folder=$1 base=$2 cgroup=$3 host=$4 switch=$5 netns=$6

# First of all, so that whoever ends the host finds this process too.
mkdir -p "$cgroup/keeper" "$cgroup/machine"
echo $$ >"$cgroup/keeper/cgroup.procs"

# A guest's systemd needs the second cgroup version alone, whatever this machine mixes.
root=${cgroup#/sys/fs/cgroup}
root=/sys/fs/cgroup${root#/unified}
umount -R /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup

# nspawn's own notes are by machine name, and two labs both have an m1.
mkdir -p /run/systemd/nspawn
mount -t tmpfs tmpfs /run/systemd/nspawn

# volatile: fsync costs nothing, and only a crash of this machine itself would show the difference.
rm -rf "$folder/work/work/incompat"
mount -t overlay "quorate-$host" -o "lowerdir=$base,upperdir=$folder/upper,workdir=$folder/work,volatile" "$folder/root"

# Hosts with a kubelet: containers cannot live on an overlay, and runc asks the kernel for more than nspawn lets pass.
containers=()
[ ! -d "$folder/plain" ] || containers=(--bind="$folder/plain/containerd:/var/lib/containerd"
  --bind="$folder/plain/kubelet:/var/lib/kubelet" --system-call-filter='bpf keyctl add_key')

while :; do
  # The guest makes its disks' nodes before it mounts what its fstab names.
  nodes=
  for image in "$folder"/disks/*; do
    loop=$(losetup --noheadings --output MAJ:MIN --associated "$image" 2>/dev/null | head -n 1)
    [ -z "$loop" ] || nodes+="b /dev/${image##*/} 0660 root disk - ${loop// /}\n"
  done
  # What was run inside from outside may outlive the guest by a moment, and its cgroup with it.
  echo 1 >"$root/machine/cgroup.kill"
  for _ in {1..100}; do
    find "$root/machine" -mindepth 1 -depth -type d -exec rmdir {} + 2>/dev/null && break
    sleep 0.05
  done
  status=0
  (
    echo "$BASHPID" >"$root/machine/cgroup.procs"
    exec systemd-nspawn --quiet --keep-unit --register=no --settings=no --resolv-conf=off --timezone=off \
      --link-journal=no --directory="$folder/root" --machine="$host" --network-namespace-path="/run/netns/$netns" \
      --capability=CAP_NET_ADMIN "${containers[@]}" --console=pipe --set-credential="tmpfiles.extra:$nodes" --boot
  ) || status=$?
  # 133: the host rebooted itself.
  [ "$status" = 133 ] || break
done
# Powered off from inside: a dead machine's port is dark.
ip -n "$switch" link set "$host" down
exit "$status"
