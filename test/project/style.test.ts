import { describe, expect, test } from 'vitest';
import { passagesOfCode, passagesOfDocument, sentencesOf } from './passages.ts';
import { type Counts, countsOf, findings, medianSentence } from './style.ts';
import COUNTS from './style-counts.json' with { type: 'json' };

const FINDINGS = findings();
const LIMITS: Counts = COUNTS;
const WORSE = 'Rewrite the new place as .github/CONTRIBUTING.md ("Style") says. All places:';
const BETTER = 'There are fewer places than the table says. Run `npm run docs:style`, which lowers the table.';

describe('places that break the style, as style-counts.json has them:', () => {
  test.each(
    Object.entries(countsOf(FINDINGS)).flatMap(([pattern, folders]) =>
      Object.entries(folders).map(([folder, count]) => ({ pattern, folder, count })),
    ),
  )('$pattern in $folder', ({ pattern, folder, count }) => {
    const places = FINDINGS.filter((finding) => finding.pattern === pattern && finding.folder === folder);
    const limit = LIMITS[pattern]?.[folder] ?? 0;
    expect(count, [WORSE, ...places.map(({ place }) => place), ''].join('\n')).toBeLessThanOrEqual(limit);
    expect(limit, BETTER).toBe(count);
  });
});

test('half of the sentences in documents have at most 14 words', () => {
  expect(medianSentence()).toBeLessThanOrEqual(14);
});

describe('a passage', () => {
  test('of code is a comment or a message, with its line', () => {
    const source = [
      "const a = word.replace(/longer'/g, 'one-word');",
      '',
      '/** Returns',
      ' * `x`. */',
      "throw new Error('First ' +",
      "  'half');",
    ];
    expect(passagesOfCode(source.join('\n'))).toEqual([
      { kind: 'docstring', line: 3, text: 'Returns x.' },
      { kind: 'message', line: 5, text: 'First half' },
    ]);
  });

  test('of a page is a heading, paragraph, list item or cell, without code and quotations', () => {
    const page = [
      '# Head',
      'One',
      'two.',
      '',
      '- `code` and [a link](x.md), "at once"',
      '',
      '```sh',
      'npm test',
      '```',
      '| a | b |',
      '> no',
    ];
    expect(passagesOfDocument(page.join('\n')).map(({ line, text }) => `${line} ${text}`)).toEqual([
      '1 # Head',
      '2 One two.',
      '5 - x and a link, x',
      '10 a',
      '10 b',
    ]);
  });

  test('has sentences, which end where the next one begins', () => {
    const sentences = sentencesOf({
      kind: 'comment',
      line: 1,
      text: 'Version 1.2 is old, e.g. here. x is new (really). Yes',
    });
    expect(sentences.map((words) => words.length)).toEqual([6, 4, 1]);
  });
});
