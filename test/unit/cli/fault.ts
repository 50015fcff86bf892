// Every bad input is told with its place and the next step, with exit code 1, and nothing is touched.
import { expect } from 'vitest';
import { createRig } from './rig.ts';

export interface Fault {
  files?: { [path: string]: string | undefined };
  argv: string;
  /** How the first lines of stderr begin. */
  says: string[];
}

export async function checkFault({ files, argv, says }: Fault): Promise<void> {
  const rig = await createRig(files);
  const before = rig.listing();
  const { code, stdout, stderr } = await rig.quorate(...argv.split(' '));
  const begins = stderr.split('\n').map((line, at) => line.slice(0, says[at]?.length));
  expect(begins.slice(0, says.length)).toEqual(says);
  expect(stderr).toMatch(/^ {2}next: ./m);
  expect(stderr).not.toMatch(/^ +at /m);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(rig.listing()).toEqual(before);
  expect(rig.knocks()).toBe(0);
}
