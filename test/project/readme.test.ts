import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { optionsSchema } from '../../infra/options.ts';
import {
  DEFAULTS,
  ENVIRONMENT,
  EVENT_DETAIL_TYPES,
  EVENT_SOURCE,
  METRIC_NAMESPACE,
  METRICS,
} from '../../lambda/names.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const README = readFileSync(`${ROOT}/README.md`, 'utf8');
const PACKAGE = JSON.parse(readFileSync(`${ROOT}/package.json`, 'utf8'));

/** A `sh` block needs no AWS account; one that does is a `console` block. */
const COMMANDS = [...README.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, block = '']) => block.trim().split('\n'));

/** What a test cannot run, since it is what runs the test. */
const RUN_BY_CI = new Set(['npm ci']);

describe('README example for', () => {
  test.each(COMMANDS.filter((command) => !RUN_BY_CI.has(command)))(
    '%s',
    (command) => {
      const { status, stderr } = spawnSync(command, { cwd: ROOT, shell: true, encoding: 'utf8' });
      expect(`${status} ${status === 0 ? '' : stderr}`).toBe('0 ');
    },
    60_000,
  );

  test('npm start shows what is captured there, but for what chance makes', () => {
    const [, captured = ''] = /<!-- captured: npm start -->\n```text\n(.*?)```/s.exec(README) ?? [];
    const { stdout } = spawnSync('npm start --silent', { cwd: ROOT, shell: true, encoding: 'utf8' });
    expect(withoutChance(stdout)).toBe(withoutChance(captured));
  }, 60_000);
});

describe('README names', () => {
  test.each([
    ...Object.values(ENVIRONMENT),
    ...Object.values(DEFAULTS).map(String),
    ...Object.values(METRICS),
    ...Object.values(EVENT_DETAIL_TYPES),
    EVENT_SOURCE,
    METRIC_NAMESPACE,
  ])('%s', (name) => {
    expect(README).toContain(`\`${name}\``);
  });

  test.each(Object.keys(optionsSchema.shape))('the option %s', (option) => {
    expect(README).toMatch(new RegExp(`^\\| \`${option}[\`.]`, 'm'));
  });

  test.each([...README.matchAll(/`npm run ([a-z]+)/g)].map(([, script = '']) => script))(
    'npm run %s, which exists',
    (script) => {
      expect(Object.keys(PACKAGE.scripts)).toContain(script);
    },
  );
});

/** Fingerprints, version ids and times differ from run to run; the columns that they stand in do not. */
function withoutChance(screen: string): string {
  return screen
    .replaceAll(/\b[0-9a-f]{8}(?:[0-9a-f]{4})?\b/g, '#')
    .replaceAll(/\d+\.\d s/g, '# s')
    .trim();
}
