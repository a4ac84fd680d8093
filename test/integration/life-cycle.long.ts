import { expect, test } from 'vitest';
import { ENVIRONMENT } from '../../lambda/contract.ts';
import { FLEET_TAG, startFleet } from '../sandbox/fleet.ts';
import { type Sandbox, SECRET_ID } from '../sandbox/sandbox.ts';
import { endingOf, expectLiveCurrent, inSandbox, startConfigured } from '../support/in-sandbox.ts';
import { readDocument, sectionsOf } from '../support/markdown.ts';

// The moves of docs/life-cycle.md that need no CloudFormation, against a server on which a refresh token works once.
const FORCED = { action: 'refresh', force: true };
const STRICT = { kind: 'rotation' } as const;

/** Every refresh token that was sent, each once. */
function expectEachTokenSentOnce({ tokenEndpoint }: Sandbox, count: number): void {
  const sent = tokenEndpoint.requests.map(({ form }) => form['refresh_token']);
  expect(sent).toHaveLength(count);
  expect(new Set(sent).size).toBe(count);
}

test('after an uninstall, a new stack on the retained secrets continues where the old one ended', () =>
  inSandbox(STRICT, async (sandbox) => {
    const { lambda } = await startConfigured(sandbox);
    expect(endingOf(await lambda.invoke({}))).toBe('refreshed');
    await lambda.stop();
    const comeBack = await sandbox.startFunction();
    expect(endingOf(await comeBack.invoke({}))).toBe('fresh');
    expect(endingOf(await comeBack.invoke(FORCED))).toBe('refreshed');
    await expectLiveCurrent(sandbox);
    expectEachTokenSentOnce(sandbox, 2);
  }));

test('from a stack to a fleet and back, no refresh token is sent twice', () =>
  inSandbox(STRICT, async (sandbox) => {
    const { secretsManager } = sandbox.aws;
    const { lambda } = await startConfigured(sandbox);
    expect(endingOf(await lambda.invoke({}))).toBe('refreshed');
    await lambda.stop();

    const fleet = await startFleet(sandbox);
    secretsManager.tagResource({ SecretId: SECRET_ID, Tags: [FLEET_TAG] });
    await fleet.tick();
    const refresh = await fleet.startRefresh();
    const one = { ...FORCED, secretId: secretsManager.arnOf(SECRET_ID) };
    expect(endingOf(await refresh.invoke(one))).toBe('refreshed');
    secretsManager.untagResource({ SecretId: SECRET_ID, TagKeys: [FLEET_TAG.Key] });

    const back = await sandbox.startFunction();
    expect(endingOf(await back.invoke(FORCED))).toBe('refreshed');
    await expectLiveCurrent(sandbox);
    expectEachTokenSentOnce(sandbox, 3);
  }));

test('two live copies of one grant end it: the reason why no move may make a second one', () =>
  inSandbox(STRICT, async (sandbox) => {
    const { secretsManager } = sandbox.aws;
    const { lambda } = await startConfigured(sandbox);
    expect(endingOf(await lambda.invoke({}))).toBe('refreshed');
    const { SecretString = '' } = secretsManager.getSecretValue({ SecretId: SECRET_ID });
    secretsManager.createSecret({ Name: 'copy', SecretString });
    const copy = await sandbox.startFunction({
      [ENVIRONMENT.credentialsSecretId]: 'copy',
      [ENVIRONMENT.tokenSecretId]: '',
    });
    expect(endingOf(await copy.invoke(FORCED))).toBe('refreshed');
    expect(endingOf(await lambda.invoke(FORCED))).toBe('REAUTHORIZATION_REQUIRED');
    expect(endingOf(await copy.invoke(FORCED))).toBe('REAUTHORIZATION_REQUIRED');
  }));

test('a secret that was deleted and restored is refreshed by the next run', () =>
  inSandbox(STRICT, async (sandbox) => {
    const { secretsManager } = sandbox.aws;
    const { lambda } = await startConfigured(sandbox);
    expect(endingOf(await lambda.invoke({}))).toBe('refreshed');
    secretsManager.deleteSecret({ SecretId: SECRET_ID });
    expect(endingOf(await lambda.invoke(FORCED))).not.toBe('refreshed');
    secretsManager.restoreSecret({ SecretId: SECRET_ID });
    expect(endingOf(await lambda.invoke(FORCED))).toBe('refreshed');
    await expectLiveCurrent(sandbox);
    expectEachTokenSentOnce(sandbox, 2);
  }));

test('every move in docs/life-cycle.md warns of what must never be done', () => {
  const moves = [...sectionsOf(readDocument('docs/life-cycle.md'))].filter(([anchor]) => anchor !== 'life-cycle');
  expect(moves.length).toBeGreaterThanOrEqual(7);
  expect(moves.filter(([, text]) => !text.includes('**Never**')).map(([anchor]) => anchor)).toEqual([]);
});
