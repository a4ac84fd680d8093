import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { parseScript, script } from '../support/script.ts';
import { ROOT } from './documents.ts';
import { countsOf, findings } from './style.ts';

const countsSchema = z.record(z.string(), z.record(z.string(), z.number()));

const { list } = parseScript(
  script(
    'npm run docs:style --',
    'Lowers the counts in test/project/style-counts.json to what code, messages and documents have now. It raises none.',
  ).option('--list <pattern>', 'print the places that have a pattern of the table, and write nothing'),
  z.object({ list: z.string().optional() }),
);
const found = findings();
if (list === undefined) lowerCounts();
else for (const { pattern, place } of found) if (pattern === list) process.stdout.write(`${place}\n`);

function lowerCounts(): void {
  const path = join(ROOT, 'test/project/style-counts.json');
  const before = countsSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  const lower = (pattern: string) => (entry: [string, number]) => {
    const [folder, count] = entry;
    return [folder, Math.min(count, before[pattern]?.[folder] ?? count)] as const;
  };
  const counts = Object.entries(countsOf(found)).map(
    ([pattern, folders]) => [pattern, Object.fromEntries(Object.entries(folders).map(lower(pattern)))] as const,
  );
  const rows = counts.map(([pattern, folders]) => `  ${JSON.stringify(pattern)}: ${toRow(folders)}`);
  writeFileSync(path, `{\n${rows.join(',\n')}\n}\n`);
}

function toRow(folders: Readonly<Record<string, number>>): string {
  return `{ ${Object.entries(folders)
    .map(([folder, count]) => `"${folder}": ${count}`)
    .join(', ')} }`;
}
