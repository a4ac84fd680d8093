/** Maximum number of different letters in a misspelled name. */
const MAX_TYPING_MISTAKES = 2;

/** Returns `name` in lower case, without hyphens and underscores. */
export function toPlain(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
}

/** Returns the name that `written` probably misspells. In a short name, fewer letters may differ. */
export function findNearest(written: string, names: readonly string[]): string | undefined {
  const plain = toPlain(written);
  const near = names
    .map((name) => ({ name, mistakes: distance(plain, toPlain(name)) }))
    .filter(({ name, mistakes }) => mistakes <= Math.min(MAX_TYPING_MISTAKES, name.length / 4));
  return near.sort((one, other) => one.mistakes - other.mistakes)[0]?.name;
}

/** Returns the Levenshtein distance between two strings. */
function distance(text: string, other: string): number {
  let distances = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [row, letter] of [...text].entries()) {
    const next = [row + 1];
    for (const [column, otherLetter] of [...other].entries()) {
      const changed = (distances[column] ?? 0) + (letter === otherLetter ? 0 : 1);
      next.push(Math.min(changed, (distances[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    distances = next;
  }
  return distances.at(-1) ?? 0;
}
