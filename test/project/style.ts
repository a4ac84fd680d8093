import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DOCUMENTS, ROOT } from './documents.ts';
import { type Passage, passagesOfCode, passagesOfDocument, sentencesOf } from './passages.ts';

const CODE_FOLDERS = ['cli', 'infra', 'lambda', 'test'];
const DOCUMENT_FOLDER = 'documents';
/** These files have to quote the patterns. */
const QUOTES_PATTERNS = /^test\/project\/(style|passages)/;
const WRAP_WIDTH = 136;
const UNWRAPPABLE = /^\s*[|`$]|^!\[|^\S*$|```/;

/** Words that the style avoids. `.github/CONTRIBUTING.md` says what to write instead. */
const WORDS = {
  mend: /\bmend(s|ed|ing)?\b/i,
  'at once': /\bat once\b/i,
  'somebody, nobody, whoever': /\b(some|no|any|every)body\b|\bwho(m?ever|m)\b/i,
  alone: /\balone\b/i,
  'dies, dead': /\b(dies?|died|dead)\b(?!-letter| letter)/i,
  refuse: /\brefus(es?|ed|ing|als?)\b/i,
  'hears, tells': /\b(hears?|heard|tells?|told)\b/i,
  'anew, mostly, hardly': /\b(anew|mostly|hardly)\b/i,
  'such a': /\bsuch an?\b/i,
  'comes of': /\b(comes?|came) of\b/i,
  'all the same': /\ball the same\b/i,
  'for as a conjunction':
    /[,;] for (it|they|we|you|there|nothing|what|(an?|the|its|no) \S+ (is|are|was|may|can|must|has|had|would|does|\w+ed))\b/i,
};
const DOCSTRING_OPENING = /^(What|Who|Whoever|Whom|How|Of|For|As|With)\b/;
const OPENING = 'opening of a docstring';
const LONG_SENTENCE = 'sentence over 30 words';
const TOO_LONG_SENTENCE = 'sentence over 35 words';
const LONG_LINE = `line over ${WRAP_WIDTH} characters`;
const PATTERNS = [...Object.keys(WORDS), OPENING, LONG_SENTENCE, TOO_LONG_SENTENCE, LONG_LINE];

export interface Finding {
  readonly pattern: string;
  readonly folder: string;
  /** Path, line and beginning of the text. */
  readonly place: string;
}

interface Source {
  readonly folder: string;
  readonly path: string;
  readonly text: string;
  readonly passages: readonly Passage[];
}

/** Returns every place in code, messages and documents that has a pattern which the style avoids. */
export function findings(): readonly Finding[] {
  return sources().flatMap(({ folder, path, text, passages }) => [
    ...passages.flatMap((passage) =>
      patternsIn(passage).map((pattern) => ({ pattern, folder, place: placeOf(path, passage) })),
    ),
    ...(folder === DOCUMENT_FOLDER ? longLines(text) : []).map((line) => ({
      pattern: LONG_LINE,
      folder,
      place: placeOf(path, line),
    })),
  ]);
}

/** Number of findings by pattern and folder. */
export type Counts = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Returns the number of findings of each pattern in each folder, as `style-counts.json` has them. */
export function countsOf(all: readonly Finding[]): Counts {
  return Object.fromEntries(
    PATTERNS.map((pattern) => [
      pattern,
      Object.fromEntries(
        [...CODE_FOLDERS, DOCUMENT_FOLDER].map((folder) => [
          folder,
          all.filter((finding) => finding.pattern === pattern && finding.folder === folder).length,
        ]),
      ),
    ]),
  );
}

/** Returns the median length of a sentence in the documents, in words. Table cells and headings do not count. */
export function medianSentence(): number {
  const lengths = sources()
    .flatMap(({ folder, passages }) => (folder === DOCUMENT_FOLDER ? passages : []))
    .filter(({ text }) => /[.:!?]["')*]*$/.test(text))
    .flatMap(sentencesOf)
    .map((words) => words.length)
    .toSorted((a, b) => a - b);
  return lengths[Math.floor(lengths.length / 2)] ?? 0;
}

function sources(): readonly Source[] {
  const code = CODE_FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .map((name) => join(folder, name))
      .filter((path) => /\.(ts|mjs)$/.test(path) && !QUOTES_PATTERNS.test(path))
      .map((path) => ({ folder, path, text: readFileSync(join(ROOT, path), 'utf8') })),
  );
  const documents = [...DOCUMENTS].map(([path, text]) => ({ folder: DOCUMENT_FOLDER, path, text }));
  return [
    ...code.map((source) => ({ ...source, passages: passagesOfCode(source.text) })),
    ...documents.map((source) => ({ ...source, passages: passagesOfDocument(source.text) })),
  ];
}

function patternsIn(passage: Passage): readonly string[] {
  const words = Object.entries(WORDS).flatMap(([name, pattern]) =>
    Array.from(passage.text.matchAll(new RegExp(pattern, 'gi')), () => name),
  );
  const opening = passage.kind === 'docstring' && DOCSTRING_OPENING.test(passage.text) ? [OPENING] : [];
  const sentences = sentencesOf(passage).flatMap(({ length }) => [
    ...(length > 30 ? [LONG_SENTENCE] : []),
    ...(length > 35 ? [TOO_LONG_SENTENCE] : []),
  ]);
  return [...words, ...opening, ...sentences];
}

function longLines(page: string): readonly Pick<Passage, 'line' | 'text'>[] {
  const prose = page.replaceAll(/^( *)```.*\n[\s\S]*?^\1```/gm, (block) => block.replaceAll(/[^\n]/g, ''));
  return prose
    .split('\n')
    .map((text, index) => ({ line: index + 1, text }))
    .filter(({ text }) => text.length > WRAP_WIDTH && !UNWRAPPABLE.test(text));
}

function placeOf(path: string, { line, text }: Pick<Passage, 'line' | 'text'>): string {
  return `${path}:${line}: ${text.slice(0, 90)}`;
}
