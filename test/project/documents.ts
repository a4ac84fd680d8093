import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const FOLDERS = ['.', 'docs', '.github', 'test'];

/** Every document of the project, by its path. */
export const DOCUMENTS: ReadonlyMap<string, string> = new Map(
  FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => [join(folder, name), readFileSync(join(ROOT, folder, name), 'utf8')] as const),
  ),
);

const TEXT = [...DOCUMENTS.values()].join('\n');

/** A `sh` block needs no AWS account; one that does is a `console` block. In a list, it is indented. */
export const COMMANDS = new Set(
  [...TEXT.matchAll(/^( *)```sh\n(.*?)^\1```/gms)].flatMap(([, , block = '']) =>
    block
      .trim()
      .split('\n')
      .map((line) => line.trim()),
  ),
);

/** Commands that no test runs, because they run the tests or write into documents; `.ci/run` runs them. */
export const RUN_BY_CI = /^npm ci && npm (start|test)$|^npm ci$|^npm run (bench|plot|test:long)\b/;
/** Commands that other long tests of `npm start` run, and the two that run everything. */
export const RUN_ELSEWHERE = /^npm start -- --(provider=|fleet$|stay\b)|^npm run check$|^bash .ci\/run$/;

/** Returns the code blocks of one language in all documents, each with its document and number. */
export function examplesIn(language: string) {
  const block = new RegExp(`^( *)\`\`\`${language}\\n(.*?)^\\1\`\`\``, 'gms');
  return [...DOCUMENTS].flatMap(([path, text]) =>
    [...text.matchAll(block)].map(([, , code = ''], index) => [path, index + 1, code] as const),
  );
}
