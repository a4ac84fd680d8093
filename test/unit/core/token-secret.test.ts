import { describe, expect, it } from 'vitest';
import { Fault } from '../../../lambda/core/fault.ts';
import { LOG_EVENTS } from '../../../lambda/core/log-events.ts';
import { refresh } from '../../../lambda/core/refresh.ts';
import { RunReport } from '../../../lambda/core/run-report.ts';
import { status } from '../../../lambda/core/status.ts';
import { syncTokenSecret } from '../../../lambda/core/token-secret.ts';
import { FakeContext } from '../../support/fake-context.ts';
import { SECRET_ID, TOKEN_SECRET_ID } from '../../support/fake-credential-store.ts';
import { INVALID_CLIENT, INVALID_GRANT, TOKEN } from '../../support/fake-token-endpoint.ts';
import { CREDENTIALS, MINUTE_MS, NEW_TOKENS, refreshed, toDocumentEntry } from '../../support/secret-documents.ts';

const { access_token, token_type, expires_at } = NEW_TOKENS;
const NEW_PROJECTION = { access_token, token_type, expires_at };
const OLD_TEXT = JSON.stringify({ access_token: 'access-0', token_type: 'Bearer', expires_at: 'long ago' });

function projectionOf(document: ReturnType<typeof refreshed>): string {
  return JSON.stringify({
    access_token: document.access_token,
    token_type: document.token_type,
    expires_at: document.expires_at,
  });
}

function run(context: FakeContext) {
  return refresh(context, { force: false });
}

/** Returns unused credentials, whose first refresh the server answers. */
function due(): FakeContext {
  const context = FakeContext.withSecret(CREDENTIALS);
  context.tokenEndpoint.willAnswer(TOKEN);
  return context;
}

/** Returns a fresh token and a token secret with `text`, or an empty one. */
function fresh(text?: string): FakeContext {
  const context = FakeContext.withSecret(refreshed(1));
  context.giveTokenSecret(text);
  return context;
}

function warnings({ telemetry }: FakeContext) {
  return telemetry.lines.filter(({ level }) => level === 'warn');
}

describe('a refresh', () => {
  it('stores the access token, its type and its expiry in the token secret, and nothing else', async () => {
    const context = due();
    context.giveTokenSecret();
    await run(context);
    expect(JSON.parse(context.tokenSecretText ?? '')).toEqual(NEW_PROJECTION);
  });

  it('stores the last token if it first promotes an answer that is due again', async () => {
    const crashed = due();
    crashed.giveTokenSecret();
    crashed.store.refuse('promote');
    await run(crashed).catch(() => undefined);
    const next = crashed.nextRun({ afterMs: 5 * 60 * MINUTE_MS });
    next.knowTokenSecret();
    next.tokenEndpoint.willAnswer({ ...TOKEN, accessToken: 'access-9', refreshToken: 'refresh-9' });
    await run(next);
    expect(JSON.parse(next.tokenSecretText ?? '')).toMatchObject({ access_token: 'access-9' });
  });

  it('does this before it announces the token', async () => {
    const context = due();
    context.giveTokenSecret();
    const seen: (string | undefined)[] = [];
    context.events.publish = async () => void seen.push(context.tokenSecretText);
    await run(context);
    expect(seen.map((text) => text && JSON.parse(text))).toEqual([NEW_PROJECTION]);
  });

  it('takes one put and one label move on the token secret', async () => {
    const context = due();
    const tokenSecret = context.giveTokenSecret(OLD_TEXT);
    await run(context);
    expect(tokenSecret.calls).toEqual(['readCurrent', 'putVersion', 'promote']);
  });

  it('is not reported as a stale token secret', async () => {
    const context = due();
    context.giveTokenSecret(OLD_TEXT);
    await run(context);
    expect(context.telemetry.states.at(-1)?.isTokenSecretStale).toBe(false);
    expect(context.telemetry.lines).toEqual([]);
  });

  it('without a token secret sends no state of it', async () => {
    const context = due();
    await run(context);
    expect(context.telemetry.states.at(-1)?.isTokenSecretStale).toBeUndefined();
  });
});

describe('a fresh tick', () => {
  it('takes one read of the token secret, and nothing else, if it is in sync', async () => {
    const context = fresh(projectionOf(refreshed(1)));
    expect(await run(context)).toMatchObject({ outcome: 'fresh' });
    expect(context.tokenSecret?.calls).toEqual(['readCurrent']);
    expect(context.store.calls).toEqual(['readCurrent', 'readLatestEntry']);
  });

  it.each([
    ['is empty after a deployment', undefined],
    ['has an older token after a crash', OLD_TEXT],
    ['was edited', projectionOf(refreshed(1, { token_type: 'bearer' }))],
    ['was emptied by hand', '{}'],
    ['lacks a member', '{"access_token":"access-1"}'],
  ])('repairs a token secret that %s', async (_, text) => {
    const context = fresh(text);
    expect(await run(context)).toMatchObject({ outcome: 'fresh' });
    expect(context.tokenSecretText).toBe(projectionOf(refreshed(1)));
    expect(context.telemetry.states.at(-1)?.isTokenSecretStale).toBe(true);
    expect(context.telemetry.lines.map(({ message }) => message)).toEqual([LOG_EVENTS.tokenSecretRepaired]);

    const next = context.nextRun({ afterMs: 10 * MINUTE_MS });
    await run(next);
    expect(next.telemetry.states.at(-1)?.isTokenSecretStale).toBe(false);
  });

  it('does not change the token secret while AWSCURRENT has no access token', async () => {
    const context = FakeContext.withSecret(CREDENTIALS);
    context.giveTokenSecret(OLD_TEXT);
    context.tokenEndpoint.willAnswer(INVALID_CLIENT);
    await expect(run(context)).rejects.toThrow();
    expect(context.tokenSecretText).toBe(OLD_TEXT);
    expect(context.telemetry.states.at(-1)?.isTokenSecretStale).toBe(false);
  });

  it('without a value in the credentials secret does not touch the token secret', async () => {
    const context = new FakeContext();
    context.world.secretsManager.createSecret({ Name: SECRET_ID });
    const tokenSecret = context.giveTokenSecret();
    await run(context);
    expect(tokenSecret.calls).toEqual([]);
  });
});

describe('a failing run', () => {
  it('still repairs the token secret', async () => {
    const context = FakeContext.withSecret(refreshed(4));
    context.giveTokenSecret(OLD_TEXT);
    context.tokenEndpoint.willAnswer(INVALID_GRANT);
    await expect(run(context)).rejects.toMatchObject({ name: 'REAUTHORIZATION_REQUIRED' });
    expect(context.tokenSecretText).toBe(projectionOf(refreshed(4)));
  });

  it('does not touch the token secret without time', async () => {
    const context = fresh(OLD_TEXT);
    context.deadlineMs = context.world.nowMs + 7_999;
    await run(context);
    expect(context.tokenSecretText).toBe(OLD_TEXT);
    expect(context.telemetry.states.at(-1)?.isTokenSecretStale).toBeUndefined();
  });
});

describe('the state of the token secret', () => {
  it('is unknown again after a promotion that leaves no time to update it', async () => {
    const context = FakeContext.withSecret(refreshed(4));
    const tokenSecret = context.giveTokenSecret(projectionOf(refreshed(4)));
    const report = new RunReport(context);
    await report.load();
    await report.syncTokenSecret();
    expect(report.isTokenSecretStale).toBe(false);
    context.write(refreshed(0));
    await report.load();
    tokenSecret.intercept('promote', 'before', () => {
      context.writeTokenSecret(OLD_TEXT);
      context.deadlineMs = context.world.nowMs;
    });
    await report.syncTokenSecret();
    report.recordStates();
    expect(context.telemetry.states.at(-1)?.isTokenSecretStale).toBeUndefined();
  });
});

describe('a newer token is not replaced by an older one', () => {
  it('if another run is faster between the reads of AWSCURRENT and of the token secret', async () => {
    const context = FakeContext.withSecret(refreshed(1));
    const tokenSecret = context.giveTokenSecret(projectionOf(refreshed(1)));
    const newer = refreshed(0, { access_token: 'access-9', refresh_token: 'refresh-9' });
    tokenSecret.intercept('readCurrent', 'before', () => {
      context.write(newer);
      context.writeTokenSecret(projectionOf(newer));
    });
    await run(context);
    expect(context.tokenSecretText).toBe(projectionOf(newer));
    expect(tokenSecret.calls).toEqual(['readCurrent']);
    expect(context.telemetry.states.at(-1)?.isTokenSecretStale).toBe(false);
  });

  it('if another run is faster just before the label moves', async () => {
    const context = FakeContext.withSecret(refreshed(1));
    const tokenSecret = context.giveTokenSecret(OLD_TEXT);
    const newer = refreshed(0, { access_token: 'access-9', refresh_token: 'refresh-9' });
    tokenSecret.intercept('promote', 'before', () => {
      context.write(newer);
      context.writeTokenSecret(projectionOf(newer));
    });
    await run(context);
    expect(context.tokenSecretText).toBe(projectionOf(newer));
  });

  it('if AWSCURRENT has a used token, because its label lags or was moved back', async () => {
    const context = due();
    context.giveTokenSecret();
    await run(context);
    const before = context.tokenSecretText;
    const next = context.nextRun({ afterMs: MINUTE_MS });
    // The run sees the new document. When it reads again, the label is back on the first one.
    context.writeTokenSecret(OLD_TEXT);
    next.tokenSecret?.intercept('readCurrent', 'before', () => {
      context.write({ ...refreshed(5), refresh_token: CREDENTIALS.refresh_token });
    });
    await run(next);
    expect(next.tokenSecretText).toBe(OLD_TEXT);
    expect(warnings(next)[0]?.members?.code).toBe('STORE_UNAVAILABLE');

    const last = next.nextRun({ afterMs: MINUTE_MS });
    await run(last);
    expect(last.tokenSecretText).toBe(before);
  });

  it('and a run gives up with a warning if others keep moving the label', async () => {
    const context = fresh(OLD_TEXT);
    let number = 0;
    context.tokenSecret?.intercept(
      'promote',
      'before',
      () => context.writeTokenSecret(JSON.stringify({ access_token: `other-${++number}` })),
      9,
    );
    await run(context);
    expect(context.tokenSecret?.calls.filter((call) => call === 'promote')).toHaveLength(3);
    expect(warnings(context)[0]?.members).toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });
});

describe('a problem with the token secret does not change how a run ends', () => {
  const foreign = `Version first-token-000000000000000000000000 of secret ${TOKEN_SECRET_ID} holds something other`;

  it.each([
    ['a text', 'hello', foreign],
    ['another object', '{"password":"p"}', foreign],
    ['the token and other members', '{"access_token":"access-1","note":"mine"}', foreign],
    ['a list', '[]', foreign],
    ['null', 'null', foreign],
    ['a number', '5', foreign],
  ])('%s in it is never overwritten', async (_, text, reason) => {
    const context = fresh(text);
    expect(await run(context)).toMatchObject({ outcome: 'fresh' });
    expect(context.tokenSecretText).toBe(text);
    expect(context.telemetry.states.at(-1)?.isTokenSecretStale).toBe(true);
    expect(warnings(context)).toEqual([
      {
        level: 'warn',
        message: LOG_EVENTS.tokenSecretStale,
        members: {
          code: 'CONFIGURATION_INVALID',
          reason: expect.stringContaining(reason),
          runbook: 'docs/runbook.md#token-secret-behind',
        },
      },
    ]);
    expect(JSON.stringify(context.telemetry.lines)).not.toContain('password');
  });

  it('a SecretBinary in it is never overwritten', async () => {
    const context = fresh();
    context.world.secretsManager.putSecretValue({ SecretId: TOKEN_SECRET_ID, SecretBinary: new Uint8Array([1, 2, 3]) });
    await run(context);
    expect(context.tokenSecretText).toBeUndefined();
    expect(warnings(context)[0]?.members?.code).toBe('CONFIGURATION_INVALID');
  });

  it('the credentials secret as token secret is reported and not changed, with no command that overwrites it', async () => {
    const context = FakeContext.withSecret(refreshed(1));
    context.knowTokenSecret(SECRET_ID);
    const before = context.versionIds;
    expect(await run(context)).toMatchObject({ outcome: 'fresh' });
    expect(context.versionIds).toEqual(before);
    const reason = expect.stringContaining('TOKEN_SECRET_ID');
    expect(warnings(context)[0]?.members).toMatchObject({ code: 'CONFIGURATION_INVALID', reason });
    expect(warnings(context)[0]?.members?.reason).not.toContain('put-secret-value');
  });

  it.each(['SECRET_NOT_FOUND', 'STORE_DENIED', 'STORE_UNAVAILABLE'] as const)(
    'a read that ends in %s does not fail a stored refresh',
    async (code) => {
      const context = due();
      context.giveTokenSecret().refuse('readCurrent', 9, new Fault(code, 'What the store says.'));
      expect(await run(context)).toMatchObject({ outcome: 'refreshed' });
      expect(context.announced.map(({ type }) => type)).toEqual(['refreshed']);
      const isUnreadable = code !== 'STORE_UNAVAILABLE';
      expect(context.telemetry.states.at(-1)).toMatchObject({
        isTokenSecretStale: isUnreadable ? undefined : true,
        isTokenSecretUnreadable: isUnreadable,
      });
      const entry = isUnreadable ? 'token-secret-unreadable' : 'token-secret-behind';
      expect(warnings(context).map(({ members }) => members)).toEqual([
        { code, reason: 'What the store says.', runbook: `docs/runbook.md#${entry}` },
      ]);
      expect(context.tokenSecret?.calls).toEqual(['readCurrent']);
    },
  );

  it.each(['putVersion', 'promote'] as const)('the next run repeats a %s that failed', async (operation) => {
    const context = due();
    context.giveTokenSecret(OLD_TEXT).refuse(operation);
    expect(await run(context)).toMatchObject({ outcome: 'refreshed' });
    expect(context.tokenSecretText).toBe(OLD_TEXT);
    const next = context.nextRun({ afterMs: 10 * MINUTE_MS });
    await run(next);
    expect(JSON.parse(next.tokenSecretText ?? '')).toEqual(NEW_PROJECTION);
  });

  it('a bug is reported only by its name', async () => {
    const context = fresh(OLD_TEXT);
    context.tokenSecret?.intercept('promote', 'before', () => Promise.reject(new TypeError('secret')));
    expect(await run(context)).toMatchObject({ outcome: 'fresh' });
    expect(warnings(context)[0]?.members?.reason).toBe(
      'Cannot check or update the token secret: unexpected TypeError.',
    );
  });
});

describe('status', () => {
  it.each([
    ['in sync', projectionOf(refreshed(1)), { isBehind: false, state: 'in sync', problem: null }],
    ['stale', OLD_TEXT, { isBehind: true, state: 'stale', problem: expect.stringContaining('AWSCURRENT') }],
    ['empty', undefined, { isBehind: true, state: 'stale', problem: expect.stringContaining('AWSCURRENT') }],
    ['foreign', 'hello', { isBehind: true, state: 'foreign', problem: expect.stringContaining('put-secret-value') }],
  ])('says that the token secret is %s, and writes nothing', async (_, text, said) => {
    const context = fresh(text);
    const { details } = await status(context);
    expect(details?.tokenSecret).toEqual({ secretId: TOKEN_SECRET_ID, ...said });
    expect(context.telemetry.states.at(-1)?.isTokenSecretStale).toBe(said.isBehind);
    expect(context.tokenSecret?.calls).toEqual(['readCurrent']);
  });

  it('reports the problem, and counts a secret that it cannot read as unreadable', async () => {
    const context = fresh();
    context.tokenSecret?.refuse('readCurrent', 1, new Fault('STORE_DENIED', 'GetSecretValue was denied.'));
    const { details, health, action } = await status(context);
    expect(details?.tokenSecret).toMatchObject({ state: 'unusable', problem: 'GetSecretValue was denied.' });
    expect({ health, action }).toEqual({ health: 'attention', action: 'fixTokenSecret' });
    expect(context.telemetry.states.at(-1)).toMatchObject({ isTokenSecretUnreadable: true });
  });

  it('reports nothing while AWSCURRENT has no access token', async () => {
    const context = FakeContext.withSecret(CREDENTIALS);
    context.giveTokenSecret(OLD_TEXT);
    expect((await status(context)).details?.tokenSecret?.isBehind).toBe(false);
  });

  it('reports that there is none', async () => {
    expect((await status(FakeContext.withSecret(refreshed(1)))).details?.tokenSecret).toBeNull();
  });
});

describe('syncTokenSecret', () => {
  const known = toDocumentEntry(refreshed(1));

  it.each([
    ['in sync', projectionOf(refreshed(1))],
    ['repaired', OLD_TEXT],
    ['repaired', undefined],
  ])('says %s of %s', async (kind, text) => {
    expect(await syncTokenSecret(fresh(text), known)).toEqual({ kind });
  });

  it('returns repaired if another run stores the same token just before the label moves', async () => {
    const context = fresh(OLD_TEXT);
    context.tokenSecret?.intercept('promote', 'before', () => context.writeTokenSecret(projectionOf(refreshed(1))));
    expect(await syncTokenSecret(context, known)).toEqual({ kind: 'repaired' });
  });

  it('returns nothing without a token secret', async () => {
    expect(await syncTokenSecret(FakeContext.withSecret(refreshed(1)), known)).toBeUndefined();
  });

  it('starts with only eight seconds left', async () => {
    const context = fresh(OLD_TEXT);
    context.deadlineMs = context.world.nowMs + 8_000;
    expect(await syncTokenSecret(context, known)).toEqual({ kind: 'repaired' });
  });

  it.each([
    ['stops after the read of the token secret if no time is left', 'tokenSecret', 'readCurrent', 1],
    ['stops after the read of AWSCURRENT if no time is left', 'store', 'readCurrent', 2],
    ['stops after the look for a successor if no time is left', 'store', 'readVersion', 3],
    ['stops after the put if no time is left', 'tokenSecret', 'putVersion', 4],
  ] as const)('%s', async (_title, secret, operation, calls) => {
    const context = fresh(OLD_TEXT);
    context[secret]?.intercept(operation, 'after', () => {
      context.deadlineMs = context.world.nowMs + 7_999;
    });
    expect(await syncTokenSecret(context, known)).toBeUndefined();
    expect([...context.store.calls, ...(context.tokenSecret?.calls ?? [])]).toHaveLength(calls);
  });

  it('is in sync if another run has updated both meanwhile', async () => {
    const newer = refreshed(0, { access_token: 'access-9', refresh_token: 'refresh-9' });
    const context = FakeContext.withSecret(newer);
    context.giveTokenSecret(projectionOf(newer));
    expect(await syncTokenSecret(context, known)).toEqual({ kind: 'in sync' });
  });

  it('does nothing if the credentials were replaced by unused ones', async () => {
    const context = fresh(OLD_TEXT);
    context.write(CREDENTIALS);
    expect(await syncTokenSecret(context, known)).toEqual({ kind: 'in sync' });
    expect(context.tokenSecretText).toBe(OLD_TEXT);
  });

  it('does nothing if the credentials secret was recreated without a value', async () => {
    const context = fresh(OLD_TEXT);
    const { secretsManager } = context.world;
    secretsManager.deleteSecret({ SecretId: SECRET_ID, ForceDeleteWithoutRecovery: true });
    secretsManager.createSecret({ Name: SECRET_ID });
    expect(await syncTokenSecret(context, known)).toEqual({ kind: 'in sync' });
  });

  it('reports credentials that can no longer be read, with their secret', async () => {
    const context = fresh(OLD_TEXT);
    context.writeText('no JSON');
    expect(await syncTokenSecret(context, known)).toMatchObject({
      kind: 'stale',
      problem: { name: 'CREDENTIALS_INVALID', message: expect.stringContaining(`Secret ${SECRET_ID} is not JSON`) },
    });
  });

  it('explains foreign content, with advice', async () => {
    const state = await syncTokenSecret(fresh('hello'), known);
    expect(state).toMatchObject({ kind: 'foreign', problem: { name: 'CONFIGURATION_INVALID' } });
    expect(state?.kind === 'foreign' && state.problem.message).toBe(
      `Version first-token-000000000000000000000000 of secret ${TOKEN_SECRET_ID} holds something other than access_token, ` +
        'token_type, expires_at and was not overwritten. To replace it with the token: ' +
        `aws secretsmanager put-secret-value --secret-id ${TOKEN_SECRET_ID} --secret-string '{}'. ` +
        'To keep it, name another secret in TOKEN_SECRET_ID.',
    );
  });

  it('does not turn a bug into a fault', async () => {
    const context = fresh(OLD_TEXT);
    context.tokenSecret?.intercept('readCurrent', 'before', () => Promise.reject('a text'));
    expect(await syncTokenSecret(context, known)).toMatchObject({
      kind: 'stale',
      problem: { name: 'STORE_UNAVAILABLE', message: 'Cannot check or update the token secret: unexpected string.' },
    });
  });
});
