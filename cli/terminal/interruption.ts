import { CommandError, EXIT } from '../command-error.ts';
import { terminal } from './terminal.ts';

const UNCHANGED = 'Nothing was changed.';
let consequence = UNCHANGED;
let isProtected = false;
let stopping = new AbortController();

/** Handling of Ctrl-C, SIGTERM, and SIGHUP of a closed terminal. They end a command with a message about the state. */
export const interruption = {
  listen(): void {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => heed(name));
    // A closed terminal must not end a command that holds a grant.
    process.stdout.on('error', (error) => {
      if (!isProtected) endWithoutOutput(error);
    });
    process.stderr.on('error', () => undefined);
  },

  /** Resets the state that an earlier command of this process has set. */
  reset(): void {
    consequence = UNCHANGED;
    isProtected = false;
    stopping = new AbortController();
  },

  isPending: (): boolean => stopping.signal.aborted,

  /** Returns a signal that is aborted when the command has to end soon. */
  signal: (): AbortSignal => stopping.signal,

  /** Sets the message for Ctrl-C from now on. */
  wouldMean(sentence: string): void {
    consequence = sentence;
  },

  sentence: (): string => `Stopped. ${consequence}`,

  /** Lets `work` finish first, unless the user presses Ctrl-C again: stopping halfway would lose a token. */
  async protect<T>(work: () => Promise<T>): Promise<T> {
    isProtected = true;
    try {
      return await work();
    } finally {
      isProtected = false;
    }
  },

  /** Ends the command if Ctrl-C was pressed during protected work. @throws CommandError in that case */
  heed(): void {
    if (interruption.isPending()) throw new CommandError(EXIT.interrupted, interruption.sentence());
  },
};

/** Ends the process: quietly if the reader stopped reading, as `head` does. */
function endWithoutOutput(error: Error & { readonly code?: unknown }): never {
  if (error.code === 'EPIPE') process.exit();
  terminal.say(`Cannot write the result (${error.code}). Check what standard output is redirected to.`);
  process.exit(EXIT.unable);
}

/** Handles a signal. Only a second Ctrl-C stops protected work, because a closing terminal sends several signals. */
function heed(name: NodeJS.Signals): void {
  const isRepeated = interruption.isPending();
  if (isProtected && isRepeated && name !== 'SIGINT') return;
  if (!isProtected || isRepeated) end();
  terminal.say('\nStopping when the answer is stored.');
  stopping.abort();
}

function end(): never {
  terminal.say(`\n${interruption.sentence()}`);
  process.exit(EXIT.interrupted);
}
