/** Replaces every character that could change the terminal, or look like another one, with its code. */
export function toPrintable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}
