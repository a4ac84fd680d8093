import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  DEFAULTS,
  ENVIRONMENT,
  EVENT_DETAIL_TYPES,
  EVENT_SOURCE,
  FLEET_ENVIRONMENT,
  FLEET_METRICS,
  METRIC_NAMESPACE,
  METRICS,
  toRunbookEntry,
} from '../../lambda/contract.ts';
import { FLEET_LOG_EVENTS, LOG_EVENTS } from '../../lambda/core/log-events.ts';
import { STORIES } from '../sandbox/story/stories.ts';
import { COMMANDS, DOCUMENTS, examplesIn, ROOT, RUN_BY_CI } from './documents.ts';
import { messages, withMessages } from './messages.ts';
import { PAGE_OF_OPTIONS, withOptionTables } from './option-tables.ts';

const TEXT = [...DOCUMENTS.values()].join('\n');
const CONFIGURATION = DOCUMENTS.get(PAGE_OF_OPTIONS) ?? '';
const REFERENCE = DOCUMENTS.get('docs/reference.md') ?? '';
const PACKAGE = JSON.parse(readFileSync(`${ROOT}/package.json`, 'utf8'));
const CI = readFileSync(`${ROOT}/.ci/run`, 'utf8');

/** The codes exist only as a type, so they are read from its source. */
const FAULT_CODES = readFileSync(`${ROOT}/lambda/core/fault.ts`, 'utf8').match(/(?<=\| ')[A-Z_]+(?=')/g) ?? [];

describe('the documents have an example for', () => {
  test.each([...COMMANDS].filter((command) => RUN_BY_CI.test(command)))('%s, which CI runs', (command) => {
    for (const part of command.split(' && ')) {
      const [script = ''] = part.replace(/^npm (run )?/, '').split(' ');
      expect(CI).toMatch(new RegExp(`npm (run --silent )?${script}\\b`));
    }
  });

  test.each([...COMMANDS].flatMap((command) => /^npm start -- --provider=(.*)/.exec(command)?.slice(1) ?? []))(
    'npm start with the provider %s, which has a story',
    (provider) => {
      expect(Object.keys(STORIES)).toContain(provider);
    },
  );
});

test.each([...DOCUMENTS.keys()].filter((path) => /^docs\/|CONTRIBUTING|SECURITY|CHANGELOG|^test/.test(path)))(
  '%s states its audience in the first line',
  (path) => {
    expect(DOCUMENTS.get(path)).toMatch(/^# .*\n\n(For|This page is for) /);
  },
);

/** Pages that need more words than a page may have: most readers look something up in them. */
const LONG_PAGES = new Map([
  ['docs/command-line.md', 2_180],
  ['docs/configuration.md', 2_330],
  ['docs/consume.md', 1_420],
  ['docs/events-and-metrics.md', 970],
  ['docs/fleet-at-scale.md', 1_740],
  ['docs/fleet.md', 1_080],
  ['docs/how-it-works.md', 1_215],
  ['docs/performance.md', 1_360],
  ['docs/proof.md', 1_530],
  ['docs/reference.md', 1_085],
  ['docs/runbook.md', 3_495],
]);
const MAX_WORDS = 600;

test.each([...DOCUMENTS].filter(([path]) => path.startsWith('docs/')))(
  '%s has no more words than a page may have',
  (path, text) => {
    const written = text.replace(/<!-- messages[\s\S]*<!-- end of messages -->/, '');
    expect(written.trim().split(/\s+/).length).toBeLessThanOrEqual(LONG_PAGES.get(path) ?? MAX_WORDS);
  },
);

describe('the glossary', () => {
  const glossary = DOCUMENTS.get('docs/glossary.md') ?? '';
  const terms = [...glossary.matchAll(/\*\*([^*]+)\*\*/g)].map(([, term = '']) => term);
  const others = [...DOCUMENTS].flatMap(([path, text]) => (path === 'docs/glossary.md' ? [] : [text])).join('\n');

  test('defines each term once', () => {
    expect(terms).toEqual([...new Set(terms)]);
  });

  test.each(terms)('defines %s, which other pages use', (term) => {
    const [stem = term] = /^[^\s]+?(?=s?(\s|$))/.exec(term) ?? [];
    expect(others.toLowerCase()).toContain(stem.toLowerCase());
  });
});

test.each([...DOCUMENTS])('%s has tables whose rows have as many cells as the head', (_path, text) => {
  const prose = text.replaceAll(/^( *)```[\s\S]*?^\1```/gm, '');
  const tables = prose.match(/(^ *\|.*\n)+/gm) ?? [];
  const uneven = tables.flatMap((table) => {
    const [head, ...rows] = table.trim().split('\n');
    return rows.filter((row) => cellsOf(row) !== cellsOf(head));
  });
  expect(uneven).toEqual([]);
});

function cellsOf(row = ''): number {
  return row.match(/(?<!\\)\|/g)?.length ?? 0;
}

test.each(examplesIn('json'))('%s: JSON %i can be parsed', (_path, _number, block) => {
  expect(() => JSON.parse(block)).not.toThrow();
});

describe('the documents name', () => {
  test.each([
    ...Object.values(ENVIRONMENT),
    ...Object.values(FLEET_ENVIRONMENT),
    ...Object.values(FLEET_METRICS),
    ...Object.values(DEFAULTS).map(String),
    ...Object.values(METRICS),
    ...Object.values(EVENT_DETAIL_TYPES),
    EVENT_SOURCE,
    METRIC_NAMESPACE,
  ])('%s', (name) => {
    expect(TEXT).toContain(`\`${name}\``);
  });

  test('every error message as the source code has it (npm run docs:messages)', () => {
    expect(withMessages(REFERENCE)).toBe(REFERENCE);
    const codes = new Set(messages().map(({ code }) => code));
    expect(FAULT_CODES.filter((code) => !codes.has(code))).toEqual([]);
  });

  test('the options as their schema has them (npm run docs:options)', () => {
    expect(withOptionTables(CONFIGURATION)).toBe(CONFIGURATION);
  });

  test.each(Object.values({ ...LOG_EVENTS, ...FLEET_LOG_EVENTS }))('the log event %s', (event) => {
    expect(DOCUMENTS.get('docs/events-and-metrics.md')).toMatch(
      new RegExp(`^\\| \`${event}\` \\| (INFO|WARN) \\|`, 'm'),
    );
  });

  test.each(FAULT_CODES)('the code %s, with its runbook entry', (code) => {
    expect(REFERENCE).toContain(`[\`${code}\`](${toRunbookEntry(code, 'runbook.md')})`);
  });

  test.each([...new Set([...TEXT.matchAll(/\bnpm run ([a-z][a-z:-]*)/g)].map(([, script = '']) => script))])(
    'npm run %s, which exists',
    (script) => {
      expect(Object.keys(PACKAGE.scripts)).toContain(script);
    },
  );
});
