import { beforeAll, describe, expect, test, vi } from 'vitest';
import * as z from 'zod';
import { toRunbookEntry } from '../../lambda/contract.ts';
import type { FaultCode } from '../../lambda/core/fault.ts';
import { attributesOf, outputsOf } from '../infra/deployment.ts';
import { alarmsOf } from '../infra/monitored-function.ts';
import { synthesise } from '../infra/synthesise.ts';
import { startSandbox } from '../sandbox/sandbox.ts';
import { findCallMistakes } from '../support/aws-cli-calls.ts';
import { endingOf, startConfigured } from '../support/in-sandbox.ts';
import { askInsights, type LogLine } from '../support/insights.ts';
import { blocksOf, readDocument, sectionsOf } from '../support/markdown.ts';
import { FakeAwsShell } from '../support/run-in-bash.ts';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

const RUNBOOK = readDocument('docs/runbook.md');
const SECTIONS = sectionsOf(RUNBOOK);
const SECRET_ARN = 'arn:aws:secretsmanager:us-east-1:000000000000:secret:RetentlyCredentials-AbCdEf';
const PARTS = ['**Means:**', '**Consumers**', '**Do now', '**It worked** when', '**Afterwards:**'];

const template = synthesise();
const ALARMS = [...alarmsOf(template, attributesOf(template, SECRET_ARN)).keys()];
/** The compiler refuses a code too many and a code too few. */
const CODES: Record<FaultCode | 'UNEXPECTED', true> = {
  CONFIGURATION_INVALID: true,
  EVENT_INVALID: true,
  CREDENTIALS_INVALID: true,
  CREDENTIALS_INCOMPLETE: true,
  SECRET_NOT_FOUND: true,
  STORE_DENIED: true,
  STORE_UNAVAILABLE: true,
  REAUTHORIZATION_REQUIRED: true,
  REAUTHORIZATION_PROBABLE: true,
  CLIENT_REJECTED: true,
  PROVIDER_UNAVAILABLE: true,
  PROVIDER_AMBIGUOUS: true,
  TOKEN_NOT_STORED: true,
  UNEXPECTED: true,
};

describe('the runbook has an entry for', () => {
  test.each([...ALARMS, ...Object.keys(CODES), 'not-configured'])('%s', (name) => {
    const [file, anchor = ''] = toRunbookEntry(name).split('#');
    expect(file).toBe('docs/runbook.md');
    const entry = SECTIONS.get(anchor) ?? '';
    const places = PARTS.map((part) => entry.indexOf(part));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(Math.min(...places)).toBeGreaterThanOrEqual(0);
    if (name in CODES) expect(entry).toContain(`\`${name}\``);
    const [, steps = ''] = entry.split('**Do now');
    expect(steps).toMatch(/^1\. /m);
    expect(blocksOf(steps, 'bash')).not.toEqual([]);
  });

  test('nothing else, among its alarms, outcomes and codes', () => {
    const known = new Set([...ALARMS, ...Object.keys(CODES), 'not-configured'].map((name) => toRunbookEntry(name)));
    const entries = [...SECTIONS].filter(([, text]) => text.includes('**Means:**'));
    expect(entries.map(([anchor]) => `docs/runbook.md#${anchor}`).filter((entry) => !known.has(entry))).toEqual([]);
  });
});

test('every link within it leads to an entry', () => {
  const links = [...RUNBOOK.matchAll(/\]\(#([\w-]+)\)/g)].map(([, anchor = '']) => anchor);
  expect(links.length).toBeGreaterThan(10);
  expect(links.filter((anchor) => !SECTIONS.has(anchor))).toEqual([]);
});

describe('its commands', () => {
  const [preamble = '', ...blocks] = blocksOf(RUNBOOK, 'bash');
  const inTable = [...RUNBOOK.matchAll(/`(run \w+)`/g)].map(([, command = '']) => command);
  // What a checkout has is not run here, and nobody is there to edit.
  const surroundings = 'npm() { :; }; npx() { :; }; EDITOR=true';

  test.each([...new Set([...blocks, ...inTable])].map((block) => [block.trim().replaceAll('\n', '; '), block]))(
    '%s',
    (_, block) => {
      using shell = new FakeAwsShell(outputsOf(template, SECRET_ARN));
      shell.willAnswer('get-secret-value', '{}');
      shell.willAnswer('list-secret-version-ids', 'version-1');
      shell.willAnswer('get-schedule', '{"Name":"mine"}');
      const { status, stderr } = shell.run(`${surroundings}\n: > credentials.json\n${preamble}\n${block}`);
      expect([status, stderr]).toEqual([0, '']);
      expect(shell.calls.flatMap(findCallMistakes)).toEqual([]);
      const runs = [...block.matchAll(/^run \w+/gm)].length;
      expect(shell.calls.filter(([, operation]) => operation === 'describe-stacks')).toHaveLength(runs);
      expect(shell.calls.length).toBeGreaterThanOrEqual(2 * runs);
    },
  );

  test('ask the stack that the mail names', () => {
    using shell = new FakeAwsShell(outputsOf(template, SECRET_ARN));
    shell.run(`${preamble}\nrun StatusCommand`);
    expect(shell.calls).toEqual([
      expect.arrayContaining(['--stack-name', 'RetentlyTokenRefresh']),
      expect.arrayContaining(['lambda', 'invoke', '{"action":"status"}']),
    ]);
  });

  test('of a checkout are those of this project, with options that they have', () => {
    const commands = [...RUNBOOK.matchAll(/\bnp[mx] .*?(?=`|$)/gm)].map(([command]) => command.trim());
    expect(commands.length).toBeGreaterThan(2);
    const allowed = /^npm run (status|refresh|authorize) -- --stack RetentlyTokenRefresh$|^npx cdk deploy$/;
    expect(commands.filter((command) => !allowed.test(command))).toEqual([]);
  });
});

describe('its questions to the log', () => {
  let lines: readonly LogLine[];

  beforeAll(async () => {
    await using sandbox = await startSandbox({ script: ['forward', { status: 400, body: {} }, 'forward'] });
    const { lambda } = await startConfigured(sandbox);
    const forced = { action: 'refresh', force: true };
    const endings: string[] = [];
    for (const event of [{}, {}, forced, { unknown: 1 }]) endings.push(endingOf(await lambda.invoke(event)));
    expect(endings).toEqual(['refreshed', 'fresh', 'PROVIDER_UNAVAILABLE', 'EVENT_INVALID']);
    await lambda.stop();
    // CloudWatch takes both, and adds the time.
    lines = `${lambda.stdout}\n${lambda.stderr}`.split('\n').flatMap((line) => {
      const parsed = toObject(line);
      return parsed === undefined ? [] : [{ '@timestamp': parsed['timestamp'], ...parsed }];
    });
  });

  const queries = blocksOf(RUNBOOK, 'insights');
  const QUERIES = [4, 2, 3, 1, 1].map((finds, index) => [index, queries[index] ?? '', finds] as const);

  test('are five', () => {
    expect(queries).toHaveLength(QUERIES.length);
  });

  test.each(QUERIES)('number %i finds what it is for, by fields that lines have', (_, query, finds) => {
    const { found, names } = askInsights(query, lines);
    expect(found).toHaveLength(finds);
    const known = new Set(lines.flatMap((line) => Object.keys(line)));
    expect(names.filter((name) => !known.has(name))).toEqual([]);
  });

  test('a healthy run leaves one line, and one of metrics', () => {
    const ofRun = (outcome: string) => {
      const story = lines.find((line) => line['outcome'] === outcome);
      return lines.filter((line) => line['runId'] === story?.['runId']);
    };
    expect(ofRun('refreshed')).toHaveLength(1);
    expect(ofRun('fresh')).toHaveLength(1);
    const metrics = lines.filter((line) => '_aws' in line && 'TokenSecondsRemaining' in line);
    // The refusal is forced on a live token; an event that is refused reads nothing.
    expect(metrics).toHaveLength(3);
  });
});

function toObject(line: string): LogLine | undefined {
  try {
    return z.looseObject({}).safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
