// A systemd unit of etcd, of whatever maker, with its drop-ins and environment files: its flags, and the same with some of
// them changed where they are written.
import { editEnvironment, readEnvironment } from './environment.ts';
import { flagOfVariable, readArguments, variableOfFlag } from './flags.ts';
import type { Launch, LaunchEdits, LaunchFile, Unfit } from './launch.ts';
import { quoteWord, splitWords, type Word } from './words.ts';

/** `files`: the unit, its drop-ins, then its environment files, as they count. */
export function readUnit(service: string, files: readonly LaunchFile[]): Launch | Unfit {
  const units = files.filter(({ kind }) => kind === 'unit' || kind === 'drop-in');
  if (units.length === 0)
    return { wrong: `systemd has no unit ${service}`, next: 'look at etcd_runtime in the pillar' };
  const environments = files.filter(({ kind }) => kind === 'environment');
  const variables = new Map<string, { value: string; file: LaunchFile; inUnit: boolean }>();
  let start: { file: LaunchFile; span: [number, number] } | undefined;
  for (const file of units) {
    for (const { name, span } of settingsOf(file.text)) {
      if (name === 'ExecStart') start = file.text.slice(...span).trim() === '' ? undefined : { file, span };
      if (name !== 'Environment') continue;
      for (const { text } of splitWords(file.text, span, new Map())) {
        const [variable = '', ...rest] = text.split('=');
        variables.set(variable, { value: rest.join('='), file, inUnit: true });
      }
    }
  }
  for (const file of environments) {
    for (const { name, value } of readEnvironment(file.text)) variables.set(name, { value, file, inUnit: false });
  }
  if (!start) return { wrong: `${units[0]!.path} has no ExecStart`, next: 'look at etcd_runtime in the pillar' };
  const { file, span } = start;
  const values = new Map([...variables].map(([name, { value }]) => [name, value]));
  const [first, ...words] = splitWords(file.text, span, values);
  const program = first?.text.replace(/^[-@:+!|]+/, '') ?? '';
  const { found, odd } = readArguments(words.map(({ text }) => text));
  if (!/(^|\/)etcd$/.test(program) || odd.length > 0) {
    const what =
      odd.length > 0 ? `has words that are no flags: ${odd.join(' ')}` : `starts ${program}, not etcd itself`;
    return { wrong: `ExecStart in ${file.path} ${what}`, next: 'write it as /PATH/etcd --FLAG=VALUE …' };
  }
  const written = [
    ...[...variables].flatMap(([name, { value, file: place }]): [string, string, string][] => {
      const flag = flagOfVariable(name);
      return flag === undefined ? [] : [[flag, value, place.path]];
    }),
    ...found.map(({ flag, value }): [string, string, string] => [flag, value, file.path]),
  ];
  return {
    flags: new Map(written.map(([flag, value]) => [flag, value])),
    places: new Map(written.map(([flag, , path]) => [flag, path])),
    program,
    edit: (edits) => edit({ file, words: [first!, ...words], variables, environments }, edits),
  };
}

interface Written {
  /** That of ExecStart, and its words. */
  file: LaunchFile;
  words: readonly Word[];
  variables: ReadonlyMap<string, { file: LaunchFile; inUnit: boolean }>;
  environments: readonly LaunchFile[];
}

function edit({ file, words, variables, environments }: Written, edits: LaunchEdits): LaunchFile[] | Unfit {
  const inFiles = new Map<LaunchFile, Map<string, string | null>>();
  const replaced: { start: number; end: number; text: string }[] = [];
  const { found } = readArguments(words.slice(1).map(({ text }) => text));
  // Whoever keeps flags in a file looks for them there.
  const home = environments.findLast(({ text }) => readEnvironment(text).some(({ name }) => flagOfVariable(name)));
  for (const [flag, value] of edits.flags) {
    const argument = found.findLast((each) => each.flag === flag);
    const variable = variables.get(variableOfFlag(flag));
    if (argument) {
      const own = words.slice(1 + argument.at, 1 + argument.at + argument.words);
      if (own.some(({ dynamic }) => dynamic)) return byHand(`--${flag} in ${file.path}`, 'comes of a variable');
      const text = value === null ? '' : quoteWord(`--${flag}=${value}`);
      replaced.push({ start: own[0]!.start, end: own.at(-1)!.end, text });
    } else if (variable?.inUnit)
      return byHand(`${variableOfFlag(flag)} in ${variable.file.path}`, 'is set by the unit');
    else if (variable || home) {
      const place = variable?.file ?? home!;
      inFiles.set(place, (inFiles.get(place) ?? new Map()).set(variableOfFlag(flag), value));
    } else if (value !== null) {
      const { end } = words.at(-1)!;
      replaced.push({ start: end, end, text: ` ${quoteWord(`--${flag}=${value}`)}` });
    }
  }
  if (edits.program !== undefined) {
    const [{ start, end }] = words as [Word];
    replaced.push({ start, end, text: quoteWord(edits.program) });
  }
  if (replaced.length > 0 && /^(\/usr)?\/lib\//.test(file.path)) {
    return {
      wrong: `ExecStart is in ${file.path}, which belongs to a package`,
      next: 'systemctl edit --full etcd puts a copy into /etc/systemd/system; then run again',
    };
  }
  const changed = [...inFiles].map(([place, changes]) => ({ ...place, text: editEnvironment(place.text, changes) }));
  if (replaced.length === 0) return changed;
  const text = replaced
    .toSorted((one, other) => other.start - one.start)
    .reduce((all, each) => all.slice(0, each.start) + each.text + all.slice(each.end), file.text);
  return [...changed, { ...file, text }];
}

function byHand(what: string, why: string): Unfit {
  return { wrong: `${what} cannot be changed from here: it ${why}`, next: 'change it there by hand, then run again' };
}

/** The settings of the section [Service], each with where its value stands; lines that a backslash joins are one. */
function settingsOf(text: string): { name: string; span: [number, number] }[] {
  const settings: { name: string; span: [number, number] }[] = [];
  let inService = false;
  for (const match of text.matchAll(/^[ \t]*(?:\[(\w+)\][ \t]*|([A-Za-z]+)[ \t]*=((?:\\\n|[^\n])*)|.*)$/gm)) {
    const [whole, section, name, value] = match;
    if (section !== undefined) inService = section === 'Service';
    if (!inService || name === undefined) continue;
    settings.push({ name, span: [match.index + whole.length - value!.length, match.index + whole.length] });
  }
  return settings;
}
