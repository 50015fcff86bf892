// The world as a command sees it: injected, so that tests can run commands in their own process.
export interface Io {
  stdout: NodeJS.WritableStream & { isTTY?: boolean; columns?: number };
  stderr: NodeJS.WritableStream & { isTTY?: boolean; columns?: number };
  stdin: NodeJS.ReadableStream & { isTTY?: boolean };
  env: NodeJS.ProcessEnv;
}

/** How a command ends: its exit code, told to `finish`. */
export interface Shell {
  io: Io;
  finish(code: number): void;
}
