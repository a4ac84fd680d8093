/** Exit codes of every command; docs/command-line.md has the table. */
export const EXIT = {
  /** Success. For `status`: healthy. */
  done: 0,
  /** Needs attention: the command was rejected or failed, or `status` found a problem. */
  attention: 1,
  /** Could not run or could not determine the state: arguments, AWS credentials, access, missing resources. */
  unable: 2,
  /** Stopped with Ctrl-C; a shell reports a process that ended by SIGINT in the same way. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Error that ends a command with a message and advice. It contains no secret and has no `cause`. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}
