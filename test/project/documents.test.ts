import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { optionsSchema } from '../../infra/options/schema.ts';
import {
  DEFAULTS,
  ENVIRONMENT,
  EVENT_DETAIL_TYPES,
  EVENT_SOURCE,
  FLEET_ENVIRONMENT,
  FLEET_METRICS,
  METRIC_NAMESPACE,
  METRICS,
} from '../../lambda/contract.ts';
import { STORIES } from '../sandbox/story/stories.ts';
import { DOCUMENTS, ROOT } from './documents.ts';

const TEXT = [...DOCUMENTS.values()].join('\n');
const CONFIGURATION = DOCUMENTS.get('docs/configuration.md') ?? '';
const OPTIONS = /^## Options\n.*?(?=^## )/ms.exec(CONFIGURATION)?.[0] ?? '';
const REFERENCE = DOCUMENTS.get('docs/reference.md') ?? '';
const PACKAGE = JSON.parse(readFileSync(`${ROOT}/package.json`, 'utf8'));
const CI = readFileSync(`${ROOT}/.ci/run`, 'utf8');

/** A `sh` block needs no AWS account; one that does is a `console` block. In a list, it is indented. */
const COMMANDS = new Set(
  [...TEXT.matchAll(/^( *)```sh\n(.*?)^\1```/gms)].flatMap(([, , block = '']) =>
    block
      .trim()
      .split('\n')
      .map((line) => line.trim()),
  ),
);

/**
 * What a test cannot run, since it is what runs the test or writes into documents; `.ci/run` has it. And what
 * `integration/start.test.ts` runs, each ending of it.
 */
const RUN_BY_CI = /^npm ci$|^npm run (bench|plot|test:long)\b/;
const RUN_ELSEWHERE = /^npm start -- --(provider=|fleet$)|^npm run check$|^bash .ci\/run$/;

/** The codes are a type; this is what it says. */
const FAULT_CODES = readFileSync(`${ROOT}/lambda/core/fault.ts`, 'utf8').match(/(?<=\| ')[A-Z_]+(?=')/g) ?? [];

const DEFAULT_OPTIONS: unknown = optionsSchema.parse({});

const ran = new Map<string, SpawnSyncReturns<string>>();

/** Once each: an example is a process or two. */
function run(command: string): SpawnSyncReturns<string> {
  const known = ran.get(command) ?? spawnSync(command, { cwd: ROOT, shell: true, encoding: 'utf8' });
  ran.set(command, known);
  return known;
}

describe('the documents have an example for', () => {
  test.each([...COMMANDS].filter((command) => !RUN_BY_CI.test(command) && !RUN_ELSEWHERE.test(command)))(
    '%s',
    (command) => {
      const { status, stderr } = run(command);
      expect(`${status} ${status === 0 ? '' : stderr}`).toBe('0 ');
    },
  );

  test.each([...COMMANDS].filter((command) => RUN_BY_CI.test(command)))('%s, which CI runs', (command) => {
    const [script = ''] = command.replace('npm run ', '').split(' ');
    expect(CI).toMatch(command === 'npm ci' ? /npm ci/ : new RegExp(`npm run --silent ${script}\\b`));
  });

  test.each([...COMMANDS].flatMap((command) => /^npm start -- --provider=(.*)/.exec(command)?.slice(1) ?? []))(
    'npm start with the provider %s, which has a story',
    (provider) => {
      expect(Object.keys(STORIES)).toContain(provider);
    },
  );

  test('npm start shows what is captured there, but for what chance makes', () => {
    const [, captured = ''] = /<!-- captured: npm start -->\n```text\n(.*?)```/s.exec(TEXT) ?? [];
    expect(withoutChance(run('npm start').stdout)).toEqual(withoutChance(captured));
  });
});

describe('what somebody may copy from the documents', () => {
  const blocksOf = (language: string) =>
    [...DOCUMENTS].flatMap(([path, text]) =>
      [...text.matchAll(new RegExp(`^( *)\`\`\`${language}\\n(.*?)^\\1\`\`\``, 'gms'))].map(
        ([, , block = ''], index) => [path, index + 1, block] as const,
      ),
    );

  test.each(blocksOf('json'))('%s: JSON %i can be parsed', (_path, _number, block) => {
    expect(() => JSON.parse(block)).not.toThrow();
  });

  test.skipIf(spawnSync('python3', ['--version']).status !== 0).each(blocksOf('python'))(
    '%s: Python %i can be compiled',
    (_path, _number, input) => {
      const compile = 'import sys; compile(sys.stdin.read(), "example", "exec")';
      expect(spawnSync('python3', ['-c', compile], { input, encoding: 'utf8' }).stderr).toBe('');
    },
  );
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

  test.each(Object.keys(optionsSchema.shape))('the option %s', (option) => {
    expect(OPTIONS).toMatch(new RegExp(`^\\| \`${option}[\`.]`, 'm'));
  });

  test.each(
    [...OPTIONS.matchAll(/^\| `([a-z]+(?:\.[a-z]+)?)` \| (.*?) \|/gim)].flatMap(([, path = '', cell = '']) => {
      const value = path.split('.').reduce(readMember, DEFAULT_OPTIONS);
      return value === undefined ? [] : [[path, cell, value] as const];
    }),
  )('the default of %s as %s', (_path, cell, value) => {
    const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
    expect(cell.replaceAll(/[`"]/g, '').split(/[,;]/)[0]).toBe(text);
  });

  test.each(FAULT_CODES)('the code %s', (code) => {
    expect(REFERENCE).toMatch(new RegExp(`^\\| \`${code}\` \\|`, 'm'));
  });

  test.each([...new Set([...TEXT.matchAll(/\bnpm run ([a-z][a-z:-]*)/g)].map(([, script = '']) => script))])(
    'npm run %s, which exists',
    (script) => {
      expect(Object.keys(PACKAGE.scripts)).toContain(script);
    },
  );
});

function readMember(value: unknown, member: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, member) : undefined;
}

/**
 * Fingerprints, version ids and times differ from run to run, and so does which of two reads in parallel comes first.
 * What npm says of the command that it runs is not of the project.
 */
function withoutChance(screen: string): readonly string[] {
  const masked = screen.replaceAll(/\b[0-9a-f]{8}(?:[0-9a-f]{4})?\b/g, '#').replaceAll(/\d+\.\d s/g, '# s');
  return masked
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('> '))
    .sort();
}
