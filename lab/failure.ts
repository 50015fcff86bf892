/** A lab command that cannot be done: what and why, then what to do next. The command line prints it without a stack. */
export class LabFailure extends Error {
  readonly next: string;

  constructor(what: string, next: string) {
    super(`${what}\n  next: ${next}`);
    this.name = 'LabFailure';
    this.next = next;
  }
}
