// Template files: what they give, and that a value can never change their structure.
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSensitive, reveal, Sensitive } from '../../../src/sensitive.ts';
import { FORMATS } from '../../../src/states/formats.ts';
import { findOpenQuote } from '../../../src/states/shquotes.ts';
import type { Value } from '../../../src/value.ts';
import { complain, contextWith, createRig, must, state, want } from './rig.ts';

const using = (template: string) => state(`  x:\n    file.managed: { path: /x, template: ${template} }\n`);

async function content(template: string, text: string, value: Value = 'etcd'): Promise<Value | undefined> {
  return (await want({ 's.yaml': using(template), [template]: text }, contextWith({ value }))).content;
}

describe('a text template', () => {
  it('becomes the content, block by block', async () => {
    const text = `[Service]
ExecStart=/usr/bin/etcd \\
  --name {{word host.name}} \\
{{#if pillar.flag}}
  --listen=http://{{plain host.address}}:{{plain pillar.port}} \\
{{/if}}
  --initial-cluster={{#each cluster.members as |m|}}{{#unless @first}},{{/unless}}{{word m.name}}=http://{{word m.address}}:2380{{/each}}
{{! nobody needs to know }}
Description={{unit "100 % sure"}}
`;
    expect(await content('etcd.service.hbs', text)).toMatchInlineSnapshot(`
      "[Service]
      ExecStart=/usr/bin/etcd \\
        --name m1 \\
        --listen=http://10.0.0.1:2379 \\
        --initial-cluster=m1=http://10.0.0.1:2380,m2=http://10.0.0.2:2380
      Description=100 %% sure
      "
    `);
  });

  it('with a secret is a secret', async () => {
    const rendered = await content('x.env.hbs', 'A={{env pillar.value}}\n', new Sensitive('p"w'));
    expect(isSensitive(rendered!)).toBe(true);
    expect(reveal(rendered as Sensitive<string>)).toBe('A="p\\"w"\n');
  });

  it.each<[file: string, text: string, told: string]>([
    [
      'x.service.hbs',
      'a\nB={{pillar.value}}',
      'x.service.hbs:2:5: {{pillar.value}} stands unformatted in a text where a value could change the structure (write {{unit …}}; known formats here are: plain, word, unit)',
    ],
    [
      'x.env.hbs',
      'B={{concat pillar.value}}',
      'x.env.hbs:1:5: {{concat}} stands unformatted in a text where a value could change the structure (write {{env …}}; known formats here are: plain, env)',
    ],
    [
      'x.service.hbs',
      'B={{sh pillar.value}}',
      'x.service.hbs:1:5: {{sh}} stands unformatted in a text where a value could change the structure (write {{unit …}}; known formats here are: plain, word, unit)',
    ],
    ['x.hbs', 'a {{#each piller}}{{/each}}', 'x.hbs:1:11: unknown name piller in piller (did you mean pillar?)'],
    ['x.hbs', '{{unit pillar.absent}}', 'x.hbs:1:8: pillar.absent is not set for m1'],
    [
      'x.hbs',
      '{{plain pillar.value}}',
      'x.hbs:1:3: plain of pillar.value ("two words") takes letters, digits and _./:,=@+- only, but character 4 is none of them',
    ],
    [
      'x.service.hbs',
      '{{plain "User=root"}}',
      'x.service.hbs:1:3: plain of "User=root" ("User=root") begins a line with what could become a setting',
    ],
    [
      'x.hbs',
      'B={{plain host}}',
      'x.hbs:1:11: host is a map and cannot stand inside a string (let the expression stand alone to keep its type, or use join, json or {{#each}})',
    ],
    [
      'x.service.hbs',
      '{{unit pillar.value}}',
      'x.service.hbs:1:3: unit of pillar.value ("two words") stands outside a setting, where the value could become one (write it after NAME= of a unit file)',
    ],
    [
      'x.service.hbs',
      'ExecStart=/x {{unit pillar.value}}',
      'x.service.hbs:1:16: unit of pillar.value ("two words") would let the value be several words of this line (use word here)',
    ],
    [
      'x.service.hbs',
      'ExecStart={{word pillar.value}}',
      'x.service.hbs:1:13: word of pillar.value ("two words") begins a command here, so the value must be an absolute path',
    ],
    [
      'x.env.hbs',
      'A=b{{env pillar.value}}',
      'x.env.hbs:1:6: env of pillar.value ("two words") gives a whole quoted value, so it must stand right after NAME=',
    ],
    [
      'x.sh.hbs',
      'echo "{{sh pillar.value}}"',
      'x.sh.hbs:1:9: sh of pillar.value ("two words") stands inside double quotes, where its own quotes would not protect the value (end the quotes before it)',
    ],
  ])('%s: %s is refused', async (file, text, told) => {
    const [said] = await complain({ 's.yaml': using(file), [file]: text }, contextWith({ value: 'two words' }));
    expect(said).toMatch(told);
  });

  it.each([
    ['../x.hbs', 'the template ../x.hbs is outside of the directory of states STATES'],
    ['/etc/passwd.hbs', 'the template /etc/passwd.hbs is outside of the directory of states STATES'],
    ['absent.hbs', 'the template absent.hbs does not exist'],
    ['x.txt', 'the template x.txt is neither text (.hbs) nor data (.yaml, .yml, .json)'],
    ['"{{ pillar.x }}"', 'template must be the path of a file, written out, because it is read before any pillar is'],
  ])('%s cannot be a template', async (path, told) => {
    expect((await complain({ 's.yaml': using(path) }))[0]).toMatch(`s.yaml:4:41: ${told}`);
  });

  it('beside a content is refused', async () => {
    const text = state('  x:\n    file.managed: { path: /x, template: x.hbs, content: a }\n');
    expect(await complain({ 's.yaml': text, 'x.hbs': '' })).toEqual([
      's.yaml:4:48: file.managed has both a template and content (keep one of the two)',
    ]);
  });
});

describe('a data template', () => {
  it('becomes the document, typed, with its format', async () => {
    const files = {
      's.yaml': using('x.yaml'),
      'x.yaml': 'port: "{{ pillar.port }}"\nurl: "http://{{ facts.ip }}"\nlist: [1, "{{ pillar.flag }}"]\n',
    };
    expect(await want(files, undefined, { ip: '::1' })).toEqual({
      path: '/x',
      mode: '0644',
      format: 'yaml',
      document: { port: 2379, url: 'http://::1', list: [1, true] },
    });
  });

  it('in JSON is data too, and tells faults where they are', async () => {
    expect(await want({ 's.yaml': using('x.json'), 'x.json': '{"a": "{{ pillar.things }}"}' })).toMatchObject({
      format: 'json',
      document: { a: ['a', 'b'] },
    });
    expect(await complain({ 's.yaml': using('x.json'), 'x.json': '{\n "a": "x{{ pillar.absent }}"}' })).toEqual([
      expect.stringMatching(/^x.json:2:12: pillar.absent is not set/),
    ]);
  });
});

describe('a parameter that is shell', () => {
  const command = (text: string) => ({
    's.yaml': state(`  x:\n    command.run: { command: '${text}', creates: /x }\n`),
  });
  it('takes formatted values only', async () => {
    expect(await want(command('ls {{sh pillar.name}}'))).toMatchObject({ command: "ls 'etcd'" });
    expect((await complain(command('ls {{pillar.name}}')))[0]).toMatch(
      's.yaml:4:35: {{pillar.name}} stands unformatted',
    );
  });
});

describe('a value never changes the structure', () => {
  const hostile = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc
      .array(
        fc.constantFrom(
          '"',
          "'",
          '\\',
          '\n',
          '\r',
          '$',
          '$(',
          '`',
          ')',
          '{{',
          '}}',
          '%',
          ' ',
          '-',
          '#',
          ';',
          '=',
          '[',
          'ü',
          '\t',
          'a',
          'x\n[Service]\n',
        ),
      )
      .map((parts) => parts.join('')),
  );

  it('in data and strings it arrives as it is', async () => {
    const rig = createRig({
      's.yaml': state(
        '  x:\n    file.managed: { path: /x, template: x.yaml }\n  y:\n    test.any: { value: "a {{ pillar.value }} b" }\n',
      ),
      'x.yaml': 'a: ["{{ pillar.value }}", "-{{ pillar.value }}"]\n',
    });
    const set = must(await rig.load('s'));
    fc.assert(
      fc.property(hostile, (value) => {
        const [x, y] = must(set.declare(contextWith({ value }))).declarations;
        expect(must(x!.render({}))).toMatchObject({ want: { document: { a: [value, `-${value}`] } } });
        expect(must(y!.render({}))).toMatchObject({ want: { value: `a ${value} b` } });
      }),
    );
  });

  it('in a unit it stays one word of one line', () => {
    const before = 'ExecStart=/x --a=';
    fc.assert(
      fc.property(
        hostile.filter((value) => !value.includes('\0')),
        (value) => {
          const result = FORMATS.word!.format(value, before);
          const text = 'text' in result ? result.text : undefined;
          expect(text).not.toMatch(/[ \t\n\v\f\r"';#]|\\$/);
          expect(readWord(text!)).toBe(value);
        },
      ),
    );
  });

  it('in a setting it stays on its line, or is refused', () => {
    fc.assert(
      fc.property(hostile, (value) => {
        const result = FORMATS.unit!.format(value, '[Unit]\nDescription=');
        if ('text' in result)
          expect(result.text.replace(/%(%?)/g, (_, second) => (second ? '%' : '(specifier)'))).toBe(value);
        if ('text' in result) expect(result.text).not.toMatch(/[\r\n]|\\$/);
      }),
    );
  });

  it('in a shell it stays one word', () => {
    fc.assert(
      fc.property(
        hostile.filter((value) => !value.includes('\0')),
        (value) => {
          const result = FORMATS.sh!.format(value, 'printf %s a');
          const script = `printf %s a${'text' in result ? result.text : ''}`;
          expect(execFileSync('sh', ['-c', script], { encoding: 'buffer' })).toEqual(Buffer.from(`a${value}`));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('in an environment file it stays the value', () => {
    fc.assert(
      fc.property(hostile, (value) => {
        const result = FORMATS.env!.format(value, 'A=');
        if (!('text' in result)) return;
        const script = `A=${result.text}\nB="b"\nprintf '%s|%s' "$A" "$B"`;
        expect(execFileSync('sh', ['-c', script], { encoding: 'buffer' })).toEqual(Buffer.from(`${value}|b`));
      }),
      { numRuns: 60 },
    );
  });
});

/** What systemd makes of a word: escapes, then specifiers, then variables. */
function readWord(word: string): string {
  return word
    .replace(/\\x(..)/g, (_, code) => String.fromCharCode(Number.parseInt(code, 16)))
    .replace(/%(%?)/g, (_, second) => (second ? '%' : '(specifier)'))
    .replace(/\$(\$?)/g, (_, second) => (second ? '$' : '(variable)'));
}

it.each([
  ['echo ', undefined],
  ['echo "a" ', undefined],
  ["echo 'a\" ' ", undefined],
  ['echo "a ', 'inside double quotes'],
  ['echo "\\" ', 'inside double quotes'],
  ['echo "$(echo ', undefined],
  ['echo "$(echo "', 'inside double quotes'],
  ['echo "$(echo a) ', 'inside double quotes'],
  ["echo 'a ", 'inside single quotes'],
  ['echo `a ', 'inside backquotes'],
  ['a # b "', 'in a comment'],
  ["# don't\necho ", undefined],
  ['a#b', undefined],
  ['$# ', undefined],
  ['cat <<END\na ', 'in a here-document'],
  ["cat <<'END'\na \" '\nEND\necho ", undefined],
])('what is open at the end of %j is known: %s', (text, open) => expect(findOpenQuote(text)).toBe(open));
