import { beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { RUNBOOK_ENTRIES } from '../../cli/status/judge.ts';
import { toRunbookEntry } from '../../lambda/contract.ts';
import type { FaultCode } from '../../lambda/core/fault.ts';
import { attributesOf, outputsOf } from '../infra/deployed-template.ts';
import { alarmsOf } from '../infra/monitored-function.ts';
import { synthesise, synthesiseFleet } from '../infra/synthesise.ts';
import { startFleet } from '../sandbox/fleet.ts';
import { startSandbox } from '../sandbox/sandbox.ts';
import { findCallMistakes } from '../support/aws-cli-calls.ts';
import { endingOf, startConfigured } from '../support/in-sandbox.ts';
import { askInsights, type LogLine } from '../support/insights.ts';
import { blocksOf, readDocument, sectionsOf } from '../support/markdown.ts';
import { FakeAwsShell } from '../support/run-in-bash.ts';

const RUNBOOK = readDocument('docs/runbook.md');
const SECTIONS = sectionsOf(RUNBOOK);
/** Page on a missing email. Its commands belong to the stack of an account. */
const ALARMS_BY_FAILURE = readDocument('docs/alarms-by-failure.md');
/** Five queries for an account, and one for a fleet. */
const QUERIES = blocksOf(readDocument('docs/log-queries.md'), 'insights');
const SECRET_ARN = 'arn:aws:secretsmanager:us-east-1:000000000000:secret:RetentlyCredentials-AbCdEf';
const PARTS = ['**Means:**', '**Consumers**', '**Do now', '**It worked** when', '**Afterwards:**'];

const template = synthesise({ alarmEmails: ['ops@example.com'] });
const fleet = synthesiseFleet({ fleet: { tagKey: 'retently', minimumSecrets: 1 } });
const ALARMS = [
  ...new Set([template, fleet].flatMap((each) => [...alarmsOf(each, attributesOf(each, SECRET_ARN)).keys()])),
];
const [OF_ACCOUNT = '', OF_FLEET = ''] = RUNBOOK.split(/(?=^## A fleet$)/m);
/** Entries by code. The compiler rejects missing and additional codes. */
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
  SWEEP_INCOMPLETE: true,
  UNEXPECTED: true,
};

/** Results that are no error and still need a person. */
const OUTCOMES = ['not-configured', 'version-budget'];

describe('the runbook has an entry for', () => {
  test.each([...ALARMS, ...Object.keys(CODES), ...OUTCOMES])('%s', (name) => {
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
    const known = new Set([...ALARMS, ...Object.keys(CODES), ...OUTCOMES].map((name) => toRunbookEntry(name)));
    const entries = [...SECTIONS].filter(([, text]) => text.includes('**Means:**'));
    expect(entries.map(([anchor]) => `docs/runbook.md#${anchor}`).filter((entry) => !known.has(entry))).toEqual([]);
  });
});

test('every entry that the command line links to exists', () => {
  const entries = Object.values(RUNBOOK_ENTRIES).map((each) => toRunbookEntry(each).split('#')[1] ?? '');
  expect(entries.filter((anchor) => !SECTIONS.has(anchor))).toEqual([]);
});

test('every link within it leads to an entry', () => {
  const links = [...RUNBOOK.matchAll(/\]\(#([\w-]+)\)/g)].map(([, anchor = '']) => anchor);
  expect(links.length).toBeGreaterThan(10);
  expect(links.filter((anchor) => !SECTIONS.has(anchor))).toEqual([]);
});

/** Script that defines `run`. */
const [PREAMBLE = ''] = blocksOf(RUNBOOK, 'bash');
// Commands of a checkout and edits by hand are not run here.
const SURROUNDINGS = 'npm() { :; }; npx() { :; }; EDITOR=true';

function commandsOf(text: string): readonly (readonly [string, string])[] {
  const blocks = blocksOf(text, 'bash').filter((block) => block !== PREAMBLE);
  const inTable = [...text.matchAll(/`(run \w+)`/g)].map(([, command = '']) => command);
  return [...new Set([...blocks, ...inTable])].map((block) => [block.trim().replaceAll('\n', '; '), block] as const);
}

function expectToRun(block: string, outputs: Readonly<Record<string, string>>, before = ''): FakeAwsShell {
  const shell = new FakeAwsShell(outputs);
  shell.willAnswer('get-secret-value', '{}');
  shell.willAnswer('list-secret-version-ids', 'version-1');
  shell.willAnswer('get-schedule', '{"Name":"mine"}');
  shell.willAnswer('describe-secret', 'key-1');
  const { status, stderr } = shell.run(`${SURROUNDINGS}\n: > credentials.json\n${PREAMBLE}\n${before}\n${block}`);
  // Each command is printed before it runs, and nothing else.
  const printed = [...stderr.matchAll(/^\+ (.*)$/gm)].map(([, command]) => command);
  expect([status, stderr]).toEqual([0, printed.map((command) => `+ ${command}\n`).join('')]);
  expect(shell.calls.flatMap(findCallMistakes)).toEqual([]);
  const runs = [...block.matchAll(/^run \w+/gm)].length;
  expect(printed).toHaveLength(runs);
  for (const command of printed) expect(Object.values(outputs)).toContain(command);
  expect(shell.calls.filter(([, operation]) => operation === 'describe-stacks')).toHaveLength(runs);
  expect(shell.calls.length).toBeGreaterThanOrEqual(2 * runs);
  return shell;
}

describe('its commands', () => {
  test.each(commandsOf(`${OF_ACCOUNT}\n${ALARMS_BY_FAILURE}`))('%s', (_, block) => {
    using _shell = expectToRun(block, outputsOf(template, SECRET_ARN));
  });

  const secret = `STACK=RetentlyTokenRefreshFleet SECRET=${SECRET_ARN}`;
  test.each(commandsOf(OF_FLEET))('of a fleet: %s', (_, block) => {
    using _shell = expectToRun(block, outputsOf(fleet, SECRET_ARN), secret);
  });

  const codes = [...SECTIONS].filter(([, text]) => /`[A-Z_]{9,}`/.test(text) && text.includes('**Means:** `'));
  test.each(codes.flatMap(([, text]) => commandsOf(text)))(
    'of the entry of a code, for a secret of a fleet: %s',
    (_, block) => {
      using shell = expectToRun(
        block.replaceAll(/^run (AllLogs|FailedRuns)Command$/gm, ''),
        outputsOf(fleet, SECRET_ARN),
        secret,
      );
      expect(shell.calls.flat().join(' ')).not.toContain('$SECRET');
    },
  );

  test('ask one secret of a fleet by its ARN', () => {
    using shell = expectToRun('run StatusCommand\nrun ForceCommand', outputsOf(fleet, SECRET_ARN), secret);
    const payloads = shell.calls.flat().filter((argument) => argument.startsWith('{'));
    expect(payloads.map((payload) => JSON.parse(payload))).toEqual([
      { secretId: SECRET_ARN, action: 'status' },
      { secretId: SECRET_ARN, action: 'refresh', force: true },
    ]);
  });

  test('ask the stack that the email names', () => {
    using shell = new FakeAwsShell(outputsOf(template, SECRET_ARN));
    shell.run(`${PREAMBLE}\nrun StatusCommand`);
    expect(shell.calls).toEqual([
      expect.arrayContaining(['--stack-name', 'RetentlyTokenRefresh']),
      expect.arrayContaining(['lambda', 'invoke', '{"action":"status"}']),
    ]);
  });

  test('of a checkout are those of this project, with options that they have', () => {
    const commands = [...RUNBOOK.matchAll(/\bnp[mx] .*?(?=`|$)/gm)].map(([command]) => command.trim());
    expect(commands.length).toBeGreaterThan(2);
    const allowed =
      /^npm run (status|refresh|authorize) -- --stack RetentlyTokenRefresh(Fleet( --secret-id retently\/acme)?)?$|^npx cdk deploy$/;
    expect(commands.filter((command) => !allowed.test(command))).toEqual([]);
  });
});

describe('the queries of the log', () => {
  let lines: readonly LogLine[];

  beforeAll(async () => {
    await using sandbox = await startSandbox({ script: ['forward', { status: 400, body: {} }, 'forward'] });
    const { lambda } = await startConfigured(sandbox);
    const forced = { action: 'refresh', force: true };
    const endings: string[] = [];
    for (const event of [{}, {}, forced, { unknown: 1 }]) endings.push(endingOf(await lambda.invoke(event)));
    expect(endings).toEqual(['refreshed', 'fresh', 'PROVIDER_UNAVAILABLE', 'EVENT_INVALID']);
    await lambda.stop();
    // CloudWatch takes both.
    lines = linesOf(`${lambda.stdout}\n${lambda.stderr}`);
  });

  const ofAccount = [4, 2, 3, 1, 1].map((finds, index) => [index, QUERIES[index] ?? '', finds] as const);

  test('are five, and one of a fleet', () => {
    expect(QUERIES).toHaveLength(ofAccount.length + 1);
  });

  test.each(ofAccount)('number %i finds the lines that it is for, by fields that they have', (_, query, finds) => {
    const { found, names } = askInsights(query, lines);
    expect(found).toHaveLength(finds);
    const known = new Set(lines.flatMap((line) => Object.keys(line)));
    expect(names.filter((name) => !known.has(name))).toEqual([]);
  });

  test('of a fleet, finds each secret whose runs failed, by fields that its lines have', async () => {
    await using sandbox = await startSandbox();
    const { add, tick } = await startFleet(sandbox, 1);
    const credentials = await sandbox.mintCredentials();
    const arns = ['one', 'two'].map((name) => add(name, { ...credentials, refresh_token: `never-issued-${name}` }));
    add('healthy', credentials);
    await tick();
    await Promise.all(sandbox.processes.map((each) => each.stop()));
    const ofFleet = linesOf(sandbox.processes.map(({ stdout, stderr }) => `${stdout}\n${stderr}`).join('\n'));
    const query = QUERIES.at(-1) ?? '';
    const { found, names } = askInsights(query, ofFleet);
    expect(found.map((line) => line['secretId']).sort()).toEqual(arns.sort());
    const known = new Set(ofFleet.flatMap((line) => Object.keys(line)));
    expect(names.filter((name) => !known.has(name))).toEqual([]);
  });

  test('a healthy run logs one line and its metrics', () => {
    const ofRun = (outcome: string) => {
      const story = lines.find((line) => line['outcome'] === outcome);
      return lines.filter((line) => line['runId'] === story?.['runId']);
    };
    expect(ofRun('refreshed')).toHaveLength(1);
    expect(ofRun('fresh')).toHaveLength(1);
    const metrics = lines.filter((line) => '_aws' in line && 'TokenSecondsRemaining' in line);
    // The rejection is forced on a valid token. An invalid event reads nothing.
    expect(metrics).toHaveLength(3);
  });
});

/** Log lines as in CloudWatch, which adds the time. */
function linesOf(output: string): readonly LogLine[] {
  return output.split('\n').flatMap((line) => {
    const parsed = toObject(line);
    return parsed === undefined ? [] : [{ '@timestamp': parsed['timestamp'], ...parsed }];
  });
}

function toObject(line: string): LogLine | undefined {
  try {
    return z.looseObject({}).safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
