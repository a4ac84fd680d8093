import { CommandError, EXIT } from '../command-error.ts';
import { terminal } from './terminal.ts';

const UNCHANGED = 'Nothing was changed.';
let consequence = UNCHANGED;
let isProtected = false;
let isPending = false;

/** Ctrl-C ends a command with a sentence that says how things stand. */
export const interruption = {
  listen(): void {
    process.on('SIGINT', () => {
      if (isProtected && !isPending) {
        isPending = true;
        terminal.say('\nStopping as soon as the answer is stored.');
        return;
      }
      end();
    });
  },

  /** Forgets what an earlier command of this process has set. */
  reset(): void {
    consequence = UNCHANGED;
    isProtected = false;
    isPending = false;
  },

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
    if (isPending) throw new CommandError(EXIT.interrupted, interruption.sentence());
  },
};

function end(): never {
  terminal.say(`\n${interruption.sentence()}`);
  process.exit(EXIT.interrupted);
}
