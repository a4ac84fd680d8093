import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';
import { DOCUMENTS, ROOT } from './documents.ts';

const LINKS = [...DOCUMENTS].flatMap(([path, text]) =>
  [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => [path, target] as const),
);

function withoutCode(text: string): string {
  return text.replaceAll(/^( *)```.*?^\1```/gms, '');
}

/** The anchors of a document, as GitHub makes them from its headings. */
function anchorsOf(text: string): readonly string[] {
  const headings = [...withoutCode(text).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading);
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

test.each(LINKS)('%s links to %s, which exists', (path, target) => {
  const [file = '', anchor] = target.split('#');
  const document = file === '' ? path : normalize(join(dirname(path), file));
  expect(existsSync(join(ROOT, document)), `there is no ${document}`).toBe(true);
  if (anchor !== undefined) expect(anchorsOf(DOCUMENTS.get(document) ?? '')).toContain(anchor);
});

test('the search for links finds some', () => {
  expect(LINKS.length).toBeGreaterThan(40);
});

test('the README is short', () => {
  expect(DOCUMENTS.get('README.md')?.split('\n').length).toBeLessThan(125);
});
