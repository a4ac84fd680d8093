import { describe, expect, test } from 'vitest';
import type { LambdaProcess } from '../sandbox/lambda/lambda-process.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { endingOf, expectNoLeak, inSandbox, plantSecret, startConfigured, until } from '../support/in-sandbox.ts';
import { BAD_ANSWERS, GOOD_ANSWERS } from './bad-answers.ts';
import { BAD_SECRETS } from './bad-secrets.ts';
import { plantCredentials, tryAnswer, tryBadSecret } from './planted.ts';

const FORCED = { action: 'refresh', force: true };
const ALWAYS = 1_000;
const isDocument = (input: object) => !JSON.stringify(input).includes('"retently-token-refresh/');

/** The contract, so that nothing is forgotten here. */
const EVERY_ENDING = [
  ...['refreshed', 'fresh', 'adopted', 'busy', 'waiting', 'not-configured', 'status'],
  ...['CONFIGURATION_INVALID', 'EVENT_INVALID', 'CREDENTIALS_INVALID', 'CREDENTIALS_INCOMPLETE', 'SECRET_NOT_FOUND'],
  ...['STORE_DENIED', 'STORE_UNAVAILABLE', 'REAUTHORIZATION_REQUIRED', 'CLIENT_REJECTED'],
  ...['PROVIDER_UNAVAILABLE', 'PROVIDER_AMBIGUOUS', 'TOKEN_NOT_STORED'],
];

describe('no secret leaks, whatever happens:', () => {
  test('every outcome and every error', () =>
    inSandbox({}, async (sandbox) => {
      const lambda = await sandbox.startFunction();
      const endings = new Set<string>();
      for (const bad of BAD_SECRETS) endings.add((await tryBadSecret(sandbox, lambda, bad)).ending);
      for (const answer of [...GOOD_ANSWERS, ...BAD_ANSWERS]) {
        endings.add((await tryAnswer(sandbox, lambda, answer)).ending);
        for (const event of [{}, { action: 'status' }]) endings.add(endingOf(await lambda.invoke(event)));
      }
      for (const ending of await driveTheRest(sandbox, lambda)) endings.add(ending);
      expect([...endings].sort()).toEqual([...EVERY_ENDING].sort());
      expect(sandbox.aws.eventBridge.events.length).toBeGreaterThan(30);
    }));

  test('not from the event, and not from the environment', () =>
    inSandbox({}, async (sandbox) => {
      const planted = [plantSecret(), plantSecret(), plantSecret()] as const;
      const { lambda } = await startConfigured(sandbox);
      await lambda.invoke({ action: planted[0] });
      await lambda.invoke({ action: 'refresh', force: planted[0] });
      await lambda.invoke({ refresh_token: planted[1] });
      await lambda.invoke(planted[1]);
      const endpoint = `https://user:${encodeURIComponent(planted[2])}@retently.example/`;
      const misconfigured = await sandbox.startFunction({ TOKEN_ENDPOINT: endpoint, LEASE_SECONDS: planted[2] });
      expect(endingOf(await misconfigured.invoke({}))).toBe('CONFIGURATION_INVALID');
      await expectNoLeak(sandbox, planted);
    }));

  test('not from credentials whose refresh meets a fault on every single call', () =>
    inSandbox({ kind: 'grace' }, async (sandbox) => {
      const { lambda } = await startConfigured(sandbox);
      const calls = 9;
      for (let skip = 0; skip < calls; skip += 1) {
        sandbox.aws.inject({ kind: 'drop-after', operation: '*', skip });
        await lambda.invoke(FORCED);
        sandbox.aws.clearFaults();
      }
      expect(sandbox.aws.calls.filter(({ fault }) => fault !== undefined).length).toBeGreaterThan(calls - 2);
    }));
});

/** `adopted`, `busy`, and the errors that take more than one bad input. */
async function driveTheRest(sandbox: Sandbox, lambda: LambdaProcess): Promise<string[]> {
  const { aws, tokenEndpoint } = sandbox;
  const endings: string[] = [];
  const invoke = async (event?: object) => void endings.push(endingOf(await lambda.invoke(event)));
  const begin = () => {
    aws.clearFaults();
    sandbox.recreateSecret();
    sandbox.putCredentials(plantCredentials());
    tokenEndpoint.play({ status: 200, body: { access_token: plantSecret(), refresh_token: plantSecret() } });
  };

  begin();
  await invoke({ action: 'delete' });
  aws.inject({ kind: 'drop-before', operation: 'UpdateSecretVersionStage', times: 3 });
  await invoke();
  await invoke();

  begin();
  aws.inject({ kind: 'kms', operation: 'PutSecretValue', when: isDocument, times: ALWAYS });
  const running = lambda.invoke({});
  await until(() => aws.calls.at(-1)?.fault === 'kms');
  lambda.hasten(5_000);
  endings.push(endingOf(await running));
  aws.clearFaults();
  await invoke();

  begin();
  tokenEndpoint.play('hang');
  const postCount = tokenEndpoint.requests.length;
  const killed = await sandbox.startFunction();
  const never = killed.invoke({});
  await until(() => tokenEndpoint.requests.length > postCount);
  await killed.kill();
  await never;
  await invoke();

  const misconfigured = await sandbox.startFunction({ LEASE_SECONDS: '1' });
  endings.push(endingOf(await misconfigured.invoke({})));
  return endings;
}
