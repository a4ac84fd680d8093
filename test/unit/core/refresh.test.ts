import { describe, expect, test } from 'vitest';
import { fingerprint } from '../../../lambda/core/fingerprint.ts';
import { successorId } from '../../../lambda/core/journal.ts';
import { LOG_EVENTS } from '../../../lambda/core/log-events.ts';
import { BUSY, FRESH, NO_TIME, WAITING } from '../../../lambda/core/messages.ts';
import type { TokenAnswer } from '../../../lambda/core/ports.ts';
import { refresh } from '../../../lambda/core/refresh.ts';
import { status } from '../../../lambda/core/status.ts';
import { FakeContext } from '../../support/fake-context.ts';
import { SECRET_ID } from '../../support/fake-credential-store.ts';
import { NO_TOKEN } from '../../support/fake-telemetry.ts';
import { REFRESH_TOKEN_ONLY, TOKEN } from '../../support/fake-token-endpoint.ts';
import { faultFrom } from '../../support/fault-of.ts';
import {
  CREDENTIALS,
  HOUR_MS,
  iso,
  MINUTE_MS,
  NEW_TOKENS,
  NOW_MS,
  refreshed,
  toDocumentEntry,
  versionIdOf,
} from '../../support/secret-documents.ts';

const SUCCESSOR = successorId(toDocumentEntry(CREDENTIALS).tokenHash);
const IF_DUE = { force: false };

/** Content of the secret after one refresh of `CREDENTIALS`. */
const REFRESHED = { ...CREDENTIALS, ...NEW_TOKENS };

describe('a successful refresh', () => {
  test('consists of claim, POST, record, promotion and announcement, and no other call', async () => {
    const context = FakeContext.withSecret(CREDENTIALS);
    context.tokenEndpoint.willAnswer(TOKEN);
    expect(await refresh(context, IF_DUE)).toEqual({
      outcome: 'refreshed',
      message: expect.stringContaining('AWSCURRENT'),
      secretId: SECRET_ID,
      versionId: SUCCESSOR,
      expiresAt: REFRESHED.expires_at,
      secondsRemaining: 21_600,
      health: 'healthy',
      action: 'none',
      reason: expect.any(String),
    });
    const reads = ['readCurrent', 'readLatestEntry'];
    const claim = ['listVersions', 'putVersion', 'readVersion'];
    expect(context.store.calls).toEqual([...reads, ...claim, 'putVersion', 'promote']);
    expect(context.tokenEndpoint.grants).toEqual([
      { clientId: 'client-id-1', clientSecret: 'client-secret-1', refreshToken: 'refresh-1' },
    ]);
    expect(context.announcements).toMatchObject([[{ type: 'refreshed', versionId: SUCCESSOR, attempt: 0 }]]);
  });

  test('leaves one complete document, as current and as latest entry', async () => {
    const context = FakeContext.withSecret({ ...CREDENTIALS, note: [1] });
    context.tokenEndpoint.willAnswer(TOKEN);
    await refresh(context, IF_DUE);
    expect(context.currentDocument).toStrictEqual({ ...REFRESHED, note: [1] });
    expect([context.currentVersionId, context.latestEntryVersionId]).toEqual([SUCCESSOR, SUCCESSOR]);
  });

  test('leaves the attempt and the fingerprints of both refresh tokens in the last line', async () => {
    const context = FakeContext.withSecret(CREDENTIALS);
    context.tokenEndpoint.willAnswer(TOKEN);
    await refresh(context, IF_DUE);
    expect(context.telemetry.noted).toMatchObject({
      attempt: 0,
      refreshToken: fingerprint('refresh-2'),
      spentRefreshToken: fingerprint('refresh-1'),
    });
  });

  test('publishes only after AWSCURRENT has moved', async () => {
    const context = FakeContext.withSecret(CREDENTIALS);
    context.tokenEndpoint.willAnswer(TOKEN);
    context.store.intercept('promote', 'before', () => expect(context.announcements).toEqual([]));
    await refresh(context, IF_DUE);
    expect(context.announcements).toHaveLength(1);
  });

  test('records the states of the token that is now current', async () => {
    const context = FakeContext.withSecret(CREDENTIALS);
    context.tokenEndpoint.willAnswer(TOKEN);
    await refresh(context, IF_DUE);
    expect(context.telemetry.states).toEqual([
      { tokenSecondsRemaining: 21_600, tokenSecondsUntilDue: 10_800, isReauthorizationRequired: false },
    ]);
  });

  test.each([
    ['rotates', 'refresh-1', 'refresh-2', 'refresh-3'],
    ['does not rotate', undefined, undefined, undefined],
  ])('follows on the one before, where the server %s', async (_what, ...refreshTokens) => {
    let context = FakeContext.withSecret(CREDENTIALS);
    for (const [index, refreshToken] of refreshTokens.entries()) {
      const accessToken = `access-of-life-${index}`;
      context.tokenEndpoint.willAnswer({ ...TOKEN, accessToken, refreshToken });
      expect(await refresh(context, IF_DUE)).toMatchObject({ outcome: 'refreshed', secondsRemaining: 21_600 });
      expect(context.currentDocument).toMatchObject({ access_token: accessToken });
      context = context.nextRun({ afterMs: 4 * HOUR_MS });
    }
  });
});

test('a fresh token takes two reads and nothing else', async () => {
  const context = FakeContext.withSecret(refreshed(1));
  expect(await refresh(context, IF_DUE)).toEqual({
    outcome: 'fresh',
    message: FRESH,
    secretId: SECRET_ID,
    versionId: versionIdOf('first'),
    expiresAt: iso(NOW_MS + 5 * HOUR_MS),
    secondsRemaining: 18_000,
    health: 'healthy',
    action: 'none',
    reason: expect.any(String),
  });
  expect(context.store.calls).toEqual(['readCurrent', 'readLatestEntry']);
  expect(context.announcements).toEqual([]);
  expect(context.telemetry.states).toEqual([
    { tokenSecondsRemaining: 18_000, tokenSecondsUntilDue: 7_200, isReauthorizationRequired: false },
  ]);
});

test('a secret without a value is not an error, and the result has advice', async () => {
  const context = new FakeContext();
  context.world.secretsManager.createSecret({ Name: SECRET_ID });
  expect(await refresh(context, IF_DUE)).toEqual({
    outcome: 'not-configured',
    message: expect.stringMatching(/authorize.* put client_id, client_secret and refresh_token .* put-secret-value/),
    secretId: SECRET_ID,
    versionId: null,
    expiresAt: null,
    secondsRemaining: 0,
    health: 'attention',
    action: 'reauthorize',
    reason: expect.any(String),
  });
  expect(context.telemetry.states).toEqual([{ ...NO_TOKEN, isReauthorizationRequired: false }]);
});

test('an expires_at that is not an instant counts as unknown, and is not returned', async () => {
  const context = FakeContext.withSecret(refreshed(1, { expires_at: 'access-token pasted into the wrong member' }));
  expect((await status(context)).expiresAt).toBeNull();
});

test('an answer with the same access token is stored and logged, and causes no loop', async () => {
  const context = FakeContext.withSecret(refreshed(4));
  context.tokenEndpoint.willAnswer({ ...TOKEN, accessToken: 'access-1' });
  expect(await refresh(context, IF_DUE)).toMatchObject({ outcome: 'refreshed' });
  expect(context.currentDocument).toMatchObject({ refresh_token: 'refresh-2', access_token: 'access-1' });
  expect(context.telemetry.lines).toContainEqual({
    level: 'warn',
    message: LOG_EVENTS.noProgress,
    members: { versionId: context.currentVersionId },
  });
  expect(await refresh(context.nextRun(), IF_DUE)).toMatchObject({ outcome: 'fresh' });
});

test('a lifetime in milliseconds is not accepted, and the warning has both lifetimes', async () => {
  const context = FakeContext.withSecret(CREDENTIALS);
  context.tokenEndpoint.willAnswer({ ...TOKEN, expiresInSeconds: 21_600_000 });
  expect(await refresh(context, IF_DUE)).toMatchObject({ outcome: 'refreshed', expiresAt: REFRESHED.expires_at });
  expect(context.telemetry.lines).toContainEqual(
    expect.objectContaining({
      level: 'warn',
      message: LOG_EVENTS.unusualLifetime,
      members: expect.objectContaining({ reason: expect.stringMatching(/\b21600000\b.*\b21600\b/) }),
    }),
  );
  expect(context.telemetry.states).toMatchObject([{ tokenSecondsUntilDue: 10_800 }]);
});

test('an expires_at far beyond the maximum lifetime does not keep a token fresh', async () => {
  const context = FakeContext.withSecret(refreshed(4, { expires_at: '2036-11-22T12:00:00.000Z' }));
  context.tokenEndpoint.willAnswer(TOKEN);
  expect(await refresh(context, IF_DUE)).toMatchObject({ outcome: 'refreshed' });
});

test('an answer without an access token does not count as one that repeats it', async () => {
  const context = FakeContext.withSecret(refreshed(4));
  context.tokenEndpoint.willAnswer(REFRESH_TOKEN_ONLY);
  await faultFrom(refresh(context, IF_DUE));
  expect(context.telemetry.lines.map(({ message }) => message)).not.toContainEqual(LOG_EVENTS.noProgress);
});

test('a successful refresh after a successful one is not a recovery', async () => {
  const context = FakeContext.withSecret(CREDENTIALS);
  context.tokenEndpoint.willAnswer(TOKEN);
  await refresh(context, IF_DUE);
  const later = context.nextRun({ afterMs: 4 * HOUR_MS });
  later.tokenEndpoint.willAnswer({ ...TOKEN, refreshToken: 'refresh-3' });
  await refresh(later, IF_DUE);
  expect(later.announced.map(({ type }) => type)).toEqual(['refreshed']);
});

describe('a secret with room for an answer of 16 KiB stores the longest one', () => {
  const note = '.'.repeat(36 * 1024);
  const tokenOf = (letter: string) => letter.repeat(10 * 1024);

  test.each([
    ['that replaces the tokens', { ...TOKEN, refreshToken: tokenOf('s') }],
    ['that is short', TOKEN],
  ])('%s', async (_what, answer) => {
    const context = FakeContext.withSecret({ ...refreshed(4), access_token: tokenOf('a'), note });
    context.tokenEndpoint.willAnswer(answer);
    expect(await refresh(context, IF_DUE)).toMatchObject({ outcome: 'refreshed' });
  });

  test.each<[string, object, TokenAnswer]>([
    [
      'with the old refresh token',
      { refresh_token: tokenOf('r') },
      { ...TOKEN, accessToken: tokenOf('b'), refreshToken: undefined },
    ],
    [
      'with the old access token',
      { access_token: tokenOf('a') },
      { ...REFRESH_TOKEN_ONLY, refreshToken: tokenOf('s') },
    ],
  ])('%s', async (_what, members, answer) => {
    const context = FakeContext.withSecret({ ...refreshed(4), ...members, note });
    context.tokenEndpoint.willAnswer(answer);
    const ended = refresh(context, IF_DUE);
    const code = await ended.then(
      ({ outcome }) => outcome,
      ({ name }: Error) => name,
    );
    expect(code).not.toBe('TOKEN_NOT_STORED');
  });
});

describe('an answer that does not fit into 64 KiB', () => {
  const KIB = 1024;
  const FILLED = { ...refreshed(4), note: '.'.repeat(30 * KIB) };
  const LARGE = { ...TOKEN, accessToken: 'a'.repeat(40 * KIB) };
  const answered = async (document: object, answer: TokenAnswer) => {
    const context = FakeContext.withSecret(document);
    context.tokenEndpoint.willAnswer(answer);
    const code = await refresh(context, IF_DUE).then(
      ({ outcome }) => outcome,
      ({ name }: Error) => name,
    );
    expect(context.tokenEndpoint.grants).toHaveLength(1);
    return { context, code };
  };

  test('as long as it fits, both tokens are stored, and the next answer of that size too', async () => {
    const { context, code } = await answered(refreshed(4), LARGE);
    expect(code).toBe('refreshed');
    const later = context.nextRun({ afterMs: 4 * HOUR_MS });
    later.tokenEndpoint.willAnswer({ ...LARGE, refreshToken: 'refresh-3' });
    expect(await refresh(later, IF_DUE)).toMatchObject({ outcome: 'refreshed' });
  });

  test('otherwise only the refresh token is stored, with the old access token and an error in the log', async () => {
    const { context, code } = await answered(FILLED, LARGE);
    expect(code).toBe('PROVIDER_AMBIGUOUS');
    expect(context.currentDocument).toMatchObject({ refresh_token: 'refresh-2', access_token: 'access-1' });
    const later = context.nextRun({ afterMs: 10 * MINUTE_MS });
    later.tokenEndpoint.willAnswer(TOKEN);
    expect(await refresh(later, IF_DUE)).toMatchObject({ outcome: 'refreshed' });
    expect(later.tokenEndpoint.grants).toMatchObject([{ refreshToken: 'refresh-2' }]);
  });

  test('without the old access token, if there is no room for it', async () => {
    const held = { ...refreshed(4), access_token: 'a'.repeat(20 * KIB), note: '.'.repeat(20 * KIB) };
    const { context } = await answered(held, { ...REFRESH_TOKEN_ONLY, refreshToken: 'r'.repeat(40 * KIB) });
    expect(context.currentDocument).toMatchObject({ refresh_token: 'r'.repeat(40 * KIB) });
    expect(context.currentDocument).not.toHaveProperty('access_token');
  });

  test.each([undefined, 'refresh-1'])(
    'with %s as refresh token, nothing changes, and a back-off begins',
    async (refreshToken) => {
      const { context, code } = await answered(FILLED, { ...LARGE, refreshToken });
      expect(code).toBe('PROVIDER_UNAVAILABLE');
      expect(context.currentDocument).toEqual(FILLED);
      expect(await refresh(context.nextRun(), IF_DUE)).toMatchObject({ outcome: 'waiting' });
    },
  );
});

test('a run logs that it used the tokens at the beginning of a response that was too long', async () => {
  const lines = async (answer: TokenAnswer) => {
    const context = FakeContext.withSecret(CREDENTIALS);
    context.tokenEndpoint.willAnswer(answer);
    await refresh(context, IF_DUE);
    return context.telemetry.lines;
  };
  expect(await lines({ ...TOKEN, isTruncated: true })).toEqual([
    ...(await lines(TOKEN)),
    {
      level: 'warn',
      message: LOG_EVENTS.responseTruncated,
      members: { versionId: SUCCESSOR, reason: expect.any(String) },
    },
  ]);
});

describe('a run that ends before the POST', () => {
  const SEEN = { ...NO_TOKEN, isReauthorizationRequired: false };

  test('sends no state of the token if the secret cannot be read, because a 0 could be wrong', async () => {
    const context = FakeContext.withSecret(CREDENTIALS);
    context.store.refuse('readCurrent', 1);
    await faultFrom(refresh(context, IF_DUE));
    expect(context.telemetry.states).toEqual([]);
    expect(context.telemetry.noted).toEqual({});
  });

  test('returns busy while another run has the claim', async () => {
    const context = FakeContext.withSecret(CREDENTIALS);
    let other: unknown;
    context.tokenEndpoint.willAnswer(async () => {
      other = await refresh(context.nextRun(), IF_DUE);
      return TOKEN;
    });
    await refresh(context, IF_DUE);
    expect(other).toMatchObject({ outcome: 'busy', message: BUSY });
  });

  test('returns waiting with a time, while there is no room for an answer', async () => {
    const context = FakeContext.withSecret(CREDENTIALS);
    for (let number = 1; number < 90; number += 1) context.writeText('{}', ['filler']);
    expect(await refresh(context, { force: true })).toMatchObject({
      outcome: 'waiting',
      action: 'freeBudget',
      message: WAITING['write budget'],
      retryAt: iso(NOW_MS + 24 * HOUR_MS),
    });
  });

  test('with too little time left, sends nothing, claims nothing, and reports it', async () => {
    const context = FakeContext.withSecret(CREDENTIALS);
    context.deadlineMs = NOW_MS + 34_999;
    const { name, message } = await faultFrom(refresh(context, IF_DUE));
    expect([name, message]).toEqual(['STORE_UNAVAILABLE', NO_TIME]);
    expect(context.store.calls).toEqual(['readCurrent', 'readLatestEntry']);
  });

  test('with just enough time, continues', async () => {
    const context = FakeContext.withSecret(CREDENTIALS);
    context.deadlineMs = NOW_MS + 35_000;
    context.tokenEndpoint.willAnswer(TOKEN);
    expect(await refresh(context, IF_DUE)).toMatchObject({ outcome: 'refreshed' });
  });

  test.each([
    [
      'CREDENTIALS_INCOMPLETE',
      { client_id: 'client-id-1' },
      'has no client_secret, no refresh_token',
      [SEEN],
      ['readPrevious', 'listVersions'],
    ],
    // The lookup of the last complete document.
    ['CREDENTIALS_INVALID', { client_id: 7 }, 'client_id is a number', [], ['readPrevious', 'listVersions']],
  ])('%s: throws, and still records the known states', async (code, secret, what, states, looks) => {
    const context = FakeContext.withSecret(secret);
    const { name, message } = await faultFrom(refresh(context, IF_DUE));
    expect([name, message]).toEqual([code, expect.stringContaining(`Secret ${SECRET_ID} has`)]);
    expect(message).toContain(what);
    expect(context.telemetry.states).toEqual(states);
    expect(context.store.calls).toEqual(['readCurrent', 'readLatestEntry', ...looks]);
  });
});
