import { OptionsError } from '../../infra/options/mistakes.ts';

/**
 * Returns the lines of the OptionsError that `parse` throws, without their dashes; none if it throws nothing. Each line starts
 * with the path of the option.
 */
export function mistakesOf(parse: () => unknown): readonly string[] {
  try {
    parse();
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    return error.message
      .split('\n')
      .slice(1)
      .map((line) => line.replace(/^- /, ''));
  }
  return [];
}

/** Returns the path of each option that `parse` rejects, so that no test depends on the wording. */
export function mistakenOptions(parse: () => unknown): readonly string[] {
  return mistakesOf(parse).map((line) => line.split(' ')[0] ?? '');
}
