// A state with forty resources of every kind, and a host on which each of them has something to do.

/** How many of its resources change a host that {@link PREPARE} has prepared. */
export const CHANGING = 40;
/** Resources that have nothing to do there: the wrong OS, a guard, a failure that does not happen, a command that is done. */
export const SKIPPED = ['elsewhere', 'guarded-out', 'stands-by'];
export const DONE = ['not-here'];

/** The secret of the file `secret`. */
export const PASSWORD = 'hunter2-and-more';

/** What the hosts have before: something to overwrite, to take away, to stop and to run. */
export const PREPARE = `
rm -rf /srv/app /srv/old /srv/loose
mkdir -p /srv/old/tree/below /srv/loose && chmod 777 /srv/loose
echo 'kept = yes' >/srv/old/app.conf
printf 'as it should be\\n' >/srv/old/mode && chmod 600 /srv/old/mode
echo gone >/srv/old/gone; echo leaf >/srv/old/tree/below/leaf; ln -sfn /etc/hostname /srv/old/link; : >'/srv/old/odd name ü'
: >/srv/old/todo
for unit in legacy other; do
  printf '[Service]\\nExecStart=/usr/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n' >/etc/systemd/system/$unit.service
done
systemctl daemon-reload && systemctl enable -q --now legacy && systemctl enable -q other`;

const STATE = `
description: Something of every kind.
resources:
  root:
    file.directory: { path: /srv/app, mode: "0750" }
  deep:
    file.directory: { path: /srv/app/a/b/c, parents: true }
  owned:
    file.directory: { path: /srv/app/owned, owner: ops, group: ops, mode: "0700" }
  loose:
    file.directory: { path: /srv/loose }
  shelf:
    each: pillar.app_shelves as shelf
    file.directory: { path: "/srv/app/{{ shelf.name }}" }
    require: [root]
  label:
    each: pillar.app_shelves as shelf
    file.managed:
      path: "/srv/app/{{ shelf.name }}/label"
      content: "{{ shelf.label }} on {{ host.name }}"
    require: [shelf]

  content:
    file.managed: { path: /srv/app/content, content: "{{ pillar.app_greeting }}\\n", owner: ops, mode: "0640" }
  text:
    file.managed: { path: /srv/app/notes.txt, template: templates/notes.txt.hbs }
  env:
    file.managed: { path: /srv/app/app.env, template: templates/app.env.hbs }
  unit:
    file.managed: { path: /etc/systemd/system/app.service, template: templates/app.service.hbs }
  yaml:
    file.managed: { path: /srv/app/app.yaml, template: templates/app.yaml }
  json:
    file.managed: { path: /srv/app/app.json, template: templates/app.json }
  document:
    file.managed: { path: /srv/app/document.yaml, document: { name: "{{ host.name }}", shelves: "{{ pillar.app_shelves }}" } }
  document-json:
    file.managed: { path: /srv/app/document.json, document: { port: "{{ pillar.app_port }}" } }
  secret:
    file.managed: { path: /srv/app/secret, content: "{{ pillar.app_password }}", mode: "0600" }
  overwritten:
    file.managed: { path: /srv/old/app.conf, content: "kept = no\\n" }
  mode:
    file.managed: { path: /srv/old/mode, content: "as it should be\\n" }
  by-facts:
    when: eq facts.os "debian"
    file.managed: { path: /srv/app/facts, content: "{{ facts.os }} on {{ facts.hostname }}\\n" }
  elsewhere:
    when: eq facts.os "plan9"
    file.managed: { path: /srv/app/elsewhere, content: never }
  guarded:
    onlyif: test -d /srv/old
    file.managed: { path: /srv/app/guarded, content: yes }
  guarded-out:
    unless: test -d /srv/old
    file.managed: { path: /srv/app/guarded-out, content: never }
  last:
    file.managed: { path: /srv/app/last, content: after all of these }
    require: [root, content, label]

  gone:
    file.absent: { path: /srv/old/gone }
  gone-tree:
    file.absent: { path: /srv/old/tree }
  gone-link:
    file.absent: { path: /srv/old/link }
  gone-odd:
    file.absent: { path: "/srv/old/odd name ü" }

  app:
    service.running: { name: app, enabled: true }
    watch: [unit, env]
  ticker:
    file.managed:
      path: /etc/systemd/system/ticker.service
      content: "[Service]\\nType=oneshot\\nExecStart=/usr/bin/true\\n"
  ticker-timer:
    file.managed:
      path: /etc/systemd/system/ticker.timer
      content: "[Timer]\\nOnCalendar=yearly\\n[Install]\\nWantedBy=timers.target\\n"
  ticks:
    service.enabled: { name: ticker.timer }
    require: [ticker, ticker-timer]
  legacy:
    service.stopped: { name: legacy }
  other:
    service.enabled: { name: other, enabled: false }

  creates:
    command.run: { command: echo made >/srv/app/made, creates: /srv/app/made }
  unless:
    command.run: { command: echo done >/srv/app/done, unless: grep -q done /srv/app/done }
  onlyif:
    command.run: { command: rm /srv/old/todo, onlyif: test -e /srv/old/todo }
  not-here:
    command.run: { command: echo never >/srv/app/never, onlyif: test -e /srv/nowhere }
  onchanges:
    command.run: { command: echo x >>/srv/app/greeted }
    onchanges: [content]
  watches:
    command.run: { command: "echo {{sh host.name}} >>/srv/app/watched" }
    watch: [env]
  reports:
    command.run:
      command: echo x >/srv/app/reported; echo changed=yes comment=fine
      unless: test -e /srv/app/reported
      reports_change: true
  stands-by:
    command.run: { command: echo never >/srv/app/rescued, unless: test -e /srv/app/rescued }
    onfail: [content]
`;

export const EVERYTHING: Record<string, string> = {
  'states/everything.yaml': STATE,
  'states/templates/notes.txt.hbs': `{{#each pillar.app_shelves}}{{sh this.label}} is on {{sh this.name}}\n{{/each}}`,
  'states/templates/app.env.hbs': 'APP_PORT={{env pillar.app_port}}\nAPP_HOST={{env host.name}}\n',
  'states/templates/app.service.hbs':
    '[Unit]\nDescription={{unit pillar.app_greeting}}\n[Service]\nEnvironmentFile=/srv/app/app.env\n' +
    'ExecStart=/usr/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n',
  'states/templates/app.yaml': 'host: "{{ host.name }}"\nmembers: "{{pluck cluster.members \'name\'}}"\n',
  'states/templates/app.json': '{ "port": "{{ pillar.app_port }}", "shelves": "{{ pillar.app_shelves }}" }\n',
  'pillar/schema.yaml': `
properties:
  app_greeting: { type: string, default: good day }
  app_port: { type: integer, default: 8080 }
  app_password: { type: string, default: none, x-sensitive: true }
  app_shelves: { type: array, items: { type: object }, default: [] }
`,
  'pillar/defaults.yaml': `
app_shelves:
  - { name: alpha, label: the first }
  - { name: beta, label: the "second" }
  - { name: gamma, label: the $(third) }
app_password: !sensitive ${PASSWORD}
`,
};
