import { CommandError, EXIT } from '../command-error.ts';
import { terminal } from './terminal.ts';

const UNCHANGED = 'Nothing was changed.';
let consequence = UNCHANGED;
let isProtected = false;
let stopping = new AbortController();

/** Ctrl-C ends a command with a sentence that says how things stand. So do SIGTERM and SIGHUP, of a closed terminal. */
export const interruption = {
  listen(): void {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => heed(name));
    // A reader may stop reading, as `head` does. A closed terminal must not end a command that holds a grant.
    process.stdout.on('error', () => {
      if (!isProtected) process.exit();
    });
    process.stderr.on('error', () => undefined);
  },

  /** Forgets what an earlier command of this process has set. */
  reset(): void {
    consequence = UNCHANGED;
    isProtected = false;
    stopping = new AbortController();
  },

  isPending: (): boolean => stopping.signal.aborted,

  /** Returns a signal that is aborted when the command has to end soon. */
  signal: (): AbortSignal => stopping.signal,

  /** What is true if Ctrl-C comes from now on. */
  wouldMean(sentence: string): void {
    consequence = sentence;
  },

  sentence: (): string => `Stopped. ${consequence}`,

  /** Lets `work` come to its end first, unless somebody insists: half of it would lose a token. */
  async protect<T>(work: () => Promise<T>): Promise<T> {
    isProtected = true;
    try {
      return await work();
    } finally {
      isProtected = false;
    }
  },

  /** @throws CommandError if Ctrl-C came while something was protected */
  heed(): void {
    if (interruption.isPending()) throw new CommandError(EXIT.interrupted, interruption.sentence());
  },
};

/** Only a second Ctrl-C is insistence: a closing terminal sends several signals by itself. */
function heed(name: NodeJS.Signals): void {
  const isRepeated = interruption.isPending();
  if (isProtected && isRepeated && name !== 'SIGINT') return;
  if (!isProtected || isRepeated) end();
  terminal.say('\nStopping as soon as the answer is stored.');
  stopping.abort();
}

function end(): never {
  terminal.say(`\n${interruption.sentence()}`);
  process.exit(EXIT.interrupted);
}
