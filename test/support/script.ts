import { Command, InvalidArgumentError } from 'commander';
import type * as z from 'zod';

/** Exit code of a script that was called with arguments that it does not take. */
const WRONG_ARGUMENTS = 2;

/**
 * Creates the command line of an npm script. `--help` describes the options, wrapped to the width of the terminal. A wrong
 * argument ends the script with one line and exit code 2, before the script has done anything.
 *
 * @param usage how people call it, such as `npm run walk --`
 */
export function script(usage: string, description: string): Command {
  const toLine = (text: string) =>
    text
      .trim()
      .replaceAll(/\s*\n\s*/g, ' ')
      .replace(/([^.])$/, '$1.');
  return new Command(usage)
    .usage('[options]')
    .description(description)
    .showSuggestionAfterError(false)
    .configureOutput({ outputError: (text, write) => write(`${toLine(text)} See ${usage} --help.\n`) })
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : WRONG_ARGUMENTS));
}

/**
 * Parses the arguments of this process. From then on, the process ends quietly if the reader of its output stops reading,
 * as `head` does.
 *
 * @returns the options, in the shape that `schema` gives them
 */
export function parseScript<T>(command: Command, schema: z.ZodType<T>, args = process.argv.slice(2)): T {
  endQuietly();
  const { success, data, error } = schema.safeParse(command.parse(args, { from: 'user' }).opts());
  if (success) return data;
  return command.error(`error: ${error.issues.map(({ message }) => message).join(' ')}`);
}

function endQuietly(): void {
  process.stdout.on('error', (error) => {
    if ('code' in error && error.code === 'EPIPE') process.exit(0);
    throw error;
  });
}

/** Parses the value of an option that takes a whole number from `least` on. */
export function wholeNumber(least = 0): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value;
    throw new InvalidArgumentError(`It must be a whole number, at least ${least}.`);
  };
}

/** Parses the value of an option that takes a number above zero. */
export function positiveNumber(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('It must be a number above 0.');
}
