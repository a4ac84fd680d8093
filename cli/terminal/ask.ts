import { CommandError, EXIT } from '../command-error.ts';
import { interruption } from './interruption.ts';
import { terminal } from './terminal.ts';

/** Context of the prompts, which go to standard error. Each prompt loads its library, because most commands do not prompt. */
const CONTEXT = { output: process.stderr };

/** Asks a yes-or-no question. @param instead advice if there is no terminal */
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

/** Asks for a text without showing it or its length. */
export async function askHidden(message: string, instead: string): Promise<string> {
  requireTerminal(message, instead);
  const { default: password } = await import('@inquirer/password');
  const answer = await answerOf(password({ message, validate: isGiven, toggleMask: false }, CONTEXT));
  return answer.trim();
}

/**
 * Asks a question that the user can also stop, without ending the command.
 *
 * @param signal ends the question
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
  return text.trim() !== '' || 'The answer is empty. To stop, press Ctrl-C.';
}

function requireTerminal(question: string, instead: string): void {
  if (terminal.isInteractive()) return;
  throw new CommandError(EXIT.unable, `Cannot prompt without a terminal: ${question} ${instead}`);
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
