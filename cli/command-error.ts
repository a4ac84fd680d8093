/** Exit codes of every command; docs/command-line.md has the table. */
export const EXIT = {
  /** Done; for `status`: healthy. */
  done: 0,
  /** Somebody should look: it was refused or failed, or `status` found something. */
  attention: 1,
  /** It could not begin, or could not tell: arguments, AWS credentials, access, nothing there. */
  unable: 2,
  /** As a shell reports a process that ended by SIGINT. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends a command with a sentence for a person, which says what to do. Never has a secret in it, and no `cause`. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}
