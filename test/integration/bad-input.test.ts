import { describe, expect, test } from 'vitest';
import type { Action } from '../../lambda/contract.ts';
import { SECRET_ID, startSandbox } from '../sandbox/sandbox.ts';
import { endingOf, inSandbox, messageOf, useSandbox } from '../support/in-sandbox.ts';
import { type Answer, BAD_ANSWERS, GOOD_ANSWERS, UNROTATED, WRAPPED_ANSWERS } from './bad-answers.ts';
import { BAD_SECRETS } from './bad-secrets.ts';
import { currentOf, expectAnswer, plantCredentials, tryAnswer, tryBadSecret } from './planted.ts';

const use = useSandbox();

const ACTION_BY_ENDING: Readonly<Record<string, Action>> = {
  CREDENTIALS_INVALID: 'restoreSecret',
  CREDENTIALS_INCOMPLETE: 'restoreSecret',
  SECRET_NOT_FOUND: 'restoreSecret',
  STORE_DENIED: 'fixStore',
  'not-configured': 'reauthorize',
};

describe('nothing is sent, and nothing is changed, with a secret that is', () => {
  test.each(BAD_SECRETS)('$name: $ending', async (bad) => {
    const { sandbox, lambda } = use();
    const callCount = sandbox.aws.calls.length;
    expect(await tryBadSecret(sandbox, lambda, bad)).toMatchObject({
      ending: bad.ending,
      exitCode: 1,
      action: bad.action ?? ACTION_BY_ENDING[bad.ending],
      message: expect.stringContaining(bad.says),
      posts: 0,
    });
    const operations = sandbox.aws.calls.slice(callCount).filter(({ error }) => error === undefined);
    const reads = ['GetSecretValue', 'DescribeSecret', 'ListSecretVersionIds'];
    expect(reads).toEqual(expect.arrayContaining(operations.map(({ operation }) => operation)));
  });
});

describe('an answer that can be used is used:', () => {
  test.each(GOOD_ANSWERS)('$name', async (answer) => {
    const { sandbox, lambda } = use();
    expectAnswer(sandbox, await tryAnswer(sandbox, lambda, answer), answer);
  });

  test.each(WRAPPED_ANSWERS)('$name', async (answer) => {
    const { sandbox, lambda } = use();
    expectAnswer(sandbox, await tryAnswer(sandbox, lambda, answer), answer);
  });

  test.each(UNROTATED)('$name keeps the old one', async (answer) => {
    const { sandbox, lambda } = use();
    expectAnswer(sandbox, await tryAnswer(sandbox, lambda, answer), answer);
    const sent = sandbox.tokenEndpoint.requests.at(-1)?.form['refresh_token'];
    expect(currentOf(sandbox)).toMatchObject({ refresh_token: sent });
  });

  test('a member named __proto__ is kept', async () => {
    const { sandbox, lambda } = use();
    sandbox.recreateSecret();
    const SecretString = JSON.stringify({ ...plantCredentials(), proto: 0 }).replace(
      '"proto":0',
      '"__proto__":{"a":1}',
    );
    sandbox.aws.secretsManager.putSecretValue({ SecretId: SECRET_ID, SecretString });
    expect(endingOf(await lambda.invoke({}))).toBe('refreshed');
    const stored = sandbox.aws.secretsManager.getSecretValue({ SecretId: SECRET_ID }).SecretString;
    expect(stored).toContain('"__proto__":{"a":1}');
  });

  test('a refresh token without an access token is stored, reported, and used by the next run', async () => {
    const { sandbox, lambda } = use();
    const refresh_token = plantCredentials().refresh_token;
    const script = [{ status: 200, body: { refresh_token } }];
    const answer: Answer = {
      name: '',
      script,
      ending: 'PROVIDER_AMBIGUOUS',
      action: 'refresh',
      posts: 1,
      stored: { refresh_token },
    };
    expectAnswer(sandbox, await tryAnswer(sandbox, lambda, answer), answer);
    const next = { name: '', script: [{ status: 200, body: { access_token: plantCredentials().note } }] };
    sandbox.tokenEndpoint.play(...next.script);
    expect(endingOf(await lambda.invoke({}))).toBe('refreshed');
    expect(sandbox.tokenEndpoint.requests.at(-1)?.form).toMatchObject({ refresh_token });
  });
});

test('of two tokens that do not fit into the secret, the refresh token is stored, in one POST', async () => {
  const { sandbox, lambda } = use();
  const refresh_token = plantCredentials().refresh_token;
  const script = [{ status: 200, body: { access_token: 'x'.repeat(66_000), refresh_token } }];
  const answer: Answer = {
    name: '',
    script,
    ending: 'PROVIDER_AMBIGUOUS',
    action: 'refresh',
    posts: 1,
    stored: { refresh_token },
  };
  expectAnswer(sandbox, await tryAnswer(sandbox, lambda, answer), answer);
  expect(currentOf(sandbox)).not.toHaveProperty('access_token');
});

describe('an unusable answer does not change AWSCURRENT and causes no immediate retry:', () => {
  test.each(BAD_ANSWERS)('$name: $ending', async (answer) => {
    const { sandbox, lambda } = use();
    expectAnswer(sandbox, await tryAnswer(sandbox, lambda, answer), answer);
    const { requests } = sandbox.tokenEndpoint;
    const postCount = requests.length;
    const isPermanent = !answer.ending.startsWith('PROVIDER_');
    expect(endingOf(await lambda.invoke({}))).toBe(isPermanent ? answer.ending : 'waiting');
    expect(requests).toHaveLength(postCount);
    expect(requests.every(({ path }) => path === '/api/oauth/token')).toBe(true);
  });
});

describe('an event that is not accepted reads nothing and sends nothing:', () => {
  test.each<[string, unknown]>([
    ['an unknown member', { secretId: 'other' }],
    ['an unknown member beside a known one', { action: 'refresh', forced: true }],
    ['an unknown action', { action: 'delete' }],
    ['force of the wrong type', { action: 'refresh', force: 'yes' }],
    ['force for status', { action: 'status', force: true }],
    ['only force', { force: true }],
    ['a string', 'refresh'],
    ['a number', 1],
    ['true', true],
    ['an array', []],
  ])('%s', async (_name, event) => {
    const { sandbox, lambda } = use();
    const callCount = sandbox.aws.calls.length;
    const invocation = await lambda.invoke(event);
    expect(endingOf(invocation)).toBe('EVENT_INVALID');
    expect(messageOf(invocation)).toContain('{"action":"refresh","force":true}');
    expect(sandbox.aws.calls).toHaveLength(callCount);
  });

  test.each([
    ['nothing', undefined],
    ['null', null],
    ['{}', {}],
    ['a classic Scheduled Event', { 'detail-type': 'Scheduled Event', source: 'aws.events', detail: {} }],
  ])('%s is accepted', async (_name, event) => {
    const { sandbox, lambda } = use();
    sandbox.recreateSecret();
    expect(endingOf(await lambda.invoke(event))).toBe('not-configured');
  });

  test('each invocation reports every mistake in an invalid environment', () =>
    inSandbox({}, async (own) => {
      const process = await own.startFunction({
        TOKEN_ENDPOINT: 'http://user:pass@retently.example/',
        LEASE_SECONDS: '0',
      });
      const invocation = await process.invoke({});
      expect(endingOf(invocation)).toBe('CONFIGURATION_INVALID');
      expect(messageOf(invocation)).toMatch(/TOKEN_ENDPOINT .*LEASE_SECONDS /);
      expect(own.aws.calls).toEqual([]);
    }));
});

test("Lambda's own line about an error names the code too, and not a minified class", async () => {
  await using sandbox = await startSandbox();
  const lambda = await sandbox.startFunction();
  await lambda.invoke({ action: 'delete' });
  await lambda.stop();
  const lines = lambda.stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines).toMatchObject([
    { level: 'ERROR', code: 'EVENT_INVALID' },
    { level: 'ERROR', message: { errorType: 'EVENT_INVALID' } },
  ]);
});
