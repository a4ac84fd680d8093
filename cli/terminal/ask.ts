import { CommandError, EXIT } from '../command-error.ts';
import { interruption } from './interruption.ts';
import { terminal } from './terminal.ts';

/** Questions go to standard error. Each library is loaded for its question alone: most commands ask nothing. */
const CONTEXT = { output: process.stderr };

/** @param instead what to do if there is no terminal to ask on */
export async function askYesOrNo(message: string, instead: string): Promise<boolean> {
  requireTerminal(message, instead);
  const { default: confirm } = await import('@inquirer/confirm');
  return await answerOf(confirm({ message, default: false }, CONTEXT));
}

export async function askText(message: string, instead: string): Promise<string> {
  requireTerminal(message, instead);
  const { default: input } = await import('@inquirer/input');
  const answer = await answerOf(input({ message, validate: isGiven }, CONTEXT));
  return answer.trim();
}

/** Nothing of the answer is shown, not even its length. */
export async function askHidden(message: string, instead: string): Promise<string> {
  requireTerminal(message, instead);
  const { default: password } = await import('@inquirer/password');
  const answer = await answerOf(password({ message, validate: isGiven, toggleMask: false }, CONTEXT));
  return answer.trim();
}

/**
 * Asks a person who may want to stop, without ending the command.
 *
 * @param signal ends the question, as if the person had continued
 * @returns the text; `interrupted` after Ctrl-C, `stopping` after the signal
 */
export async function askToContinue(message: string, signal: AbortSignal): Promise<string> {
  const { default: input } = await import('@inquirer/input');
  try {
    return await input({ message }, { ...CONTEXT, signal });
  } catch (error) {
    if (error instanceof Error && error.name === 'ExitPromptError') return 'interrupted';
    if (error instanceof Error && error.name === 'AbortPromptError') return 'stopping';
    throw error;
  }
}

function isGiven(text: string): boolean | string {
  return text.trim() !== '' || 'It is empty. Ctrl-C stops.';
}

function requireTerminal(question: string, instead: string): void {
  if (terminal.isInteractive()) return;
  throw new CommandError(EXIT.unable, `There is no terminal to ask on: ${question} ${instead}`);
}

async function answerOf<T>(prompt: Promise<T>): Promise<T> {
  try {
    return await prompt;
  } catch (error) {
    // Ctrl-C, or the end of the input: the prompt has the keyboard, so no signal comes.
    if (error instanceof Error && ['ExitPromptError', 'AbortPromptError'].includes(error.name)) {
      throw new CommandError(EXIT.interrupted, interruption.sentence());
    }
    throw error;
  }
}
