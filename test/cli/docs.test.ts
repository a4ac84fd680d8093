import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { EXIT } from '../../cli/command-error.ts';
import { capturePages, drawStatus, PAGE, STATUS_PICTURE } from './captures.ts';

test('docs/command-line.md and docs/probe.md show what the commands print, except for random parts', async () => {
  const pages = await capturePages();
  expect(pages).toHaveLength(2);
  for (const { written, captured } of pages) {
    expect(captured).toMatch(/^<!-- captured: /m);
    expect(withoutChance(captured)).toBe(withoutChance(written));
  }
});

test('the picture of status in the README shows the same as docs/command-line.md, and contains it as text', () => {
  const picture = readFileSync(STATUS_PICTURE, 'utf8');
  const page = readFileSync(PAGE, 'utf8');
  expect(picture).toBe(drawStatus(page));
  const [, text = ''] = /<desc id="desc">(.*?)<\/desc>/s.exec(picture) ?? [];
  expect(text).toContain('Token ');
  expect(page).toContain(text);
});

test('docs/command-line.md has every exit code', () => {
  const written = readFileSync(PAGE, 'utf8');
  for (const code of Object.values(EXIT)) expect(written).toMatch(new RegExp(`^\\| ${code} \\|`, 'm'));
});

/** Dates, and how long ago something was. */
function withoutChance(page: string): string {
  return page.replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d UTC/g, '#').replaceAll(/\d+ (s|min)( \d+ s)? ago/g, '# ago');
}
