import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { SUITES } from '../suites.ts';
import { ROOT } from './documents.ts';

const CI = readFileSync(join(ROOT, '.ci/run'), 'utf8');
const SCRIPTS: object = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).scripts;
const FILES = readdirSync(join(ROOT, 'test'), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

/** A file that declares a test at its top level, whatever the name of the file is. */
const DECLARES_TESTS = /^(?:test|it|describe)(?:\.\w+)*(?:<.*>)?\(/m;

function suitesOf(path: string): readonly string[] {
  const isIn = (globs: readonly string[]) => globs.some((glob) => toPattern(glob).test(path));
  return Object.entries(SUITES).flatMap(([name, { include, exclude }]) =>
    isIn(include) && !isIn(exclude) ? [name] : [],
  );
}

/** Translates the wildcards that `suites.ts` uses; `matchesGlob` of Node 20 warns that it is experimental. */
function toPattern(glob: string): RegExp {
  const wildcards: Readonly<Record<string, string>> = { '**/': '(?:.*/)?', '**': '.*', '*': '[^/]*', '.': '\\.' };
  return new RegExp(`^${glob.replaceAll(/\*\*\/|\*\*|\*|\./g, (found) => wildcards[found] ?? found)}$`);
}

test('every file that declares tests belongs to exactly one suite', () => {
  const tested = FILES.filter((path) => DECLARES_TESTS.test(read(path)));
  expect(tested.length).toBeGreaterThan(80);
  expect(tested.filter((path) => suitesOf(path).length !== 1)).toEqual([]);
});

test.each(Object.values(SUITES))('CI runs $command', ({ command }) => {
  const [, script = ''] = /^npm (?:run )?(\S+)$/.exec(command) ?? [];
  expect(SCRIPTS).toHaveProperty([script]);
  expect(CI).toMatch(new RegExp(`^check .* (?:npm|bash) .*\\b${script}$`, 'm'));
});

test('no test has a time-out of its own, which a busy machine could reach', () => {
  const own = /\b(?:testTimeout|hookTimeout)\b|^\s*\}\)?, [\d_]+\);|\bvi\.wait(?:For|Until)\(|\bexpect\.poll\(/m;
  expect(FILES.filter((path) => path !== 'test/suites.ts' && own.test(read(path)))).toEqual([
    'test/project/suites.test.ts',
  ]);
});

test('test/README.md has a row for each folder', () => {
  const folders = readdirSync(join(ROOT, 'test'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const rows = [...read('test/README.md').matchAll(/^\| `(\w+)` \|/gm)].map(([, name = '']) => name);
  expect(rows.sort()).toEqual(folders.map(({ name }) => name).sort());
});
