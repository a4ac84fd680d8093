import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError, EXIT } from '../command-error.ts';
import { askToContinue } from '../terminal/ask.ts';
import { interruption } from '../terminal/interruption.ts';
import { terminal } from '../terminal/terminal.ts';

/** Maximum tries without a terminal. The AWS SDK retries within each of them. */
const MAX_TRIES = 3;
const PAUSE_MS = 1_000;

/** Error for a grant that is given up, by the user or because of other credentials. */
export class GrantGivenUp extends CommandError {}

/**
 * Repeats `store` until it succeeds or a person gives the grant up. The code is used up and the old grant may be
 * revoked, so an error here must not end the command.
 *
 * @throws CommandError that says that the grant was not stored
 */
export async function keepUntilStored<T>(store: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await store();
    } catch (error) {
      if (error instanceof GrantGivenUp) throw error;
      const reason = error instanceof CommandError ? error.message : 'Storing failed unexpectedly.';
      const isAttended = terminal.isInteractive() && !interruption.isPending();
      if (isAttended) await waitForPerson(reason);
      else if (tries >= MAX_TRIES) throw notStored(reason);
      else await sleep(PAUSE_MS);
    }
  }
}

async function waitForPerson(reason: string): Promise<void> {
  terminal.say(`${reason}\nThe new grant is not stored yet. This command keeps it while you fix the cause.`);
  let question = "Press Enter to try again, or type 'discard' to discard the new grant:";
  for (let interrupts = 0; ; ) {
    const answer = await askToContinue(question, interruption.signal());
    if (answer === 'stopping' || answer.trim() === '') return;
    if (answer === 'interrupted') {
      interrupts += 1;
      if (interrupts > 1) throw notStored(reason);
      question = 'Press Ctrl-C again to discard the new grant, or Enter to try again:';
    } else if (answer.trim() === 'discard') throw notStored(reason);
  }
}

function notStored(reason: string): GrantGivenUp {
  const message = `${reason} The new grant was not stored, and its code is used up. Fix the cause, then run the command again.`;
  return new GrantGivenUp(EXIT.attention, message);
}
