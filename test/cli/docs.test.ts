import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { EXIT } from '../../cli/command-error.ts';
import { capturePage, PAGE } from './captures.ts';

test('what docs/command-line.md shows is what the commands write, but for what chance makes', async () => {
  const { written, captured } = await capturePage();
  expect(withoutChance(captured)).toBe(withoutChance(written));
});

test('docs/command-line.md has every exit code', () => {
  const written = readFileSync(PAGE, 'utf8');
  for (const code of Object.values(EXIT)) expect(written).toMatch(new RegExp(`^\\| ${code} \\|`, 'm'));
});

/** Dates, and how long ago something was. */
function withoutChance(page: string): string {
  return page.replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d UTC/g, '#').replaceAll(/\d+ (s|min)( \d+ s)? ago/g, '# ago');
}
