import { beforeEach, describe, expect, test } from 'vitest';
import { JOURNAL_STAGE } from '../../../lambda/contract.ts';
import { type FailureCause, failureId, renderFailure, successorId } from '../../../lambda/core/journal.ts';
import { LOG_EVENTS } from '../../../lambda/core/log-events.ts';
import { adviceOn } from '../../../lambda/core/messages.ts';
import type { Announcement, TokenAnswer } from '../../../lambda/core/ports.ts';
import { refresh } from '../../../lambda/core/refresh.ts';
import { status } from '../../../lambda/core/status.ts';
import { FakeContext } from '../../support/fake-context.ts';
import { NO_TOKEN } from '../../support/fake-telemetry.ts';
import {
  AMBIGUOUS,
  INVALID_CLIENT,
  INVALID_GRANT,
  MISDIRECTED,
  NOT_SENT,
  REFRESH_TOKEN_ONLY,
  THROTTLED,
  TOKEN,
  UNRECOGNIZED,
} from '../../support/fake-token-endpoint.ts';
import { faultFrom } from '../../support/fault-of.ts';
import {
  CREDENTIALS,
  HOUR_MS,
  iso,
  MINUTE_MS,
  NOW_MS,
  refreshed,
  toDocumentEntry,
} from '../../support/secret-documents.ts';

const { tokenHash } = toDocumentEntry(CREDENTIALS);
const IF_DUE = { force: false };

let context: FakeContext;

beforeEach(() => {
  context = FakeContext.withSecret(CREDENTIALS);
});

function fail(...answers: TokenAnswer[]) {
  context.tokenEndpoint.willAnswer(...answers);
  return faultFrom(refresh(context, IF_DUE));
}

/** Runs when Retently is available again. */
function recover() {
  context.tokenEndpoint.willAnswer(TOKEN);
  return refresh(context, IF_DUE);
}

/** Runs a tick every 30 minutes. A POST fails the test. @returns the outcomes, or the codes of thrown faults */
async function tick(times: number): Promise<string[]> {
  const outcomes: string[] = [];
  for (let run = 0; run < times; run += 1) {
    context = context.nextRun({ afterMs: 30 * MINUTE_MS });
    const ended = refresh(context, IF_DUE);
    outcomes.push(
      await ended.then(
        ({ outcome }) => outcome,
        ({ name }: Error) => name,
      ),
    );
  }
  return outcomes;
}

describe('a failed attempt', () => {
  test.each<[string, TokenAnswer[], string, FailureCause]>([
    ['a rejection without a known code', [UNRECOGNIZED], 'PROVIDER_UNAVAILABLE', 'unrecognized'],
    ['a server that has moved', [MISDIRECTED], 'PROVIDER_UNAVAILABLE', 'misdirected'],
    ['ambiguous', [AMBIGUOUS, AMBIGUOUS, AMBIGUOUS], 'PROVIDER_AMBIGUOUS', 'ambiguous'],
    ['a revoked grant', [INVALID_GRANT], 'REAUTHORIZATION_REQUIRED', 'REAUTHORIZATION_REQUIRED'],
    ['a rejected client', [INVALID_CLIENT], 'CLIENT_REJECTED', 'CLIENT_REJECTED'],
  ])('%s is recorded, announced once and thrown, and AWSCURRENT stays', async (_what, answers, code, cause) => {
    const fault = await fail(...answers);
    expect(fault.name).toBe(code);
    const [answer] = answers;
    const reason = answer && 'reason' in answer ? answer.reason : '';
    expect(fault.message).toBe(`${reason}. ${adviceOn(cause, context.settings)}`);
    expect(context.latestEntryVersionId).toBe(failureId(tokenHash, 0));
    expect(JSON.parse(context.textOf(JOURNAL_STAGE))).toMatchObject({ key: tokenHash, attempt: 0, code });
    expect(context.textOf(JOURNAL_STAGE)).not.toMatch(/client-id-1|client-secret-1|refresh-1/);
    expect(context.currentDocument).toEqual(CREDENTIALS);
    expect(context.announcements).toHaveLength(1);
    expect(context.announced[0]).toMatchObject({ type: 'failed', code, attempt: 0 });
    expect(context.telemetry.noted).toMatchObject({ attempt: 0 });
    expect(context.telemetry.states).toMatchObject([
      { isReauthorizationRequired: code === 'REAUTHORIZATION_REQUIRED' },
    ]);
  });

  test('is followed by a silent wait and a retry; the first success publishes recovered', async () => {
    await fail(UNRECOGNIZED);
    const soon = context.nextRun({ afterMs: 1 });
    expect(await refresh(soon, IF_DUE)).toMatchObject({
      outcome: 'waiting',
      message: expect.stringContaining('back-off'),
      retryAt: iso(NOW_MS + MINUTE_MS),
    });
    expect(soon.announcements).toEqual([]);
    const later = context.nextRun({ afterMs: MINUTE_MS });
    later.tokenEndpoint.willAnswer(TOKEN);
    expect(await refresh(later, IF_DUE)).toMatchObject({ outcome: 'refreshed' });
    expect(later.announced.map(({ type, attempt }) => [type, attempt])).toEqual([
      ['refreshed', 1],
      ['recovered', 1],
    ]);
  });

  test('makes later runs respect Retry-After', async () => {
    await fail({ ...THROTTLED, retryAfterSeconds: 600 });
    expect(await refresh(context.nextRun({ afterMs: 5 * MINUTE_MS }), IF_DUE)).toMatchObject({
      outcome: 'waiting',
      retryAt: iso(NOW_MS + 10 * MINUTE_MS),
    });
  });

  test('that could not be recorded is thrown with its own code', async () => {
    context.tokenEndpoint.willAnswer(() => {
      context.store.refuse('putVersion', 1_000);
      return UNRECOGNIZED;
    });
    expect((await faultFrom(refresh(context, IF_DUE))).name).toBe('PROVIDER_UNAVAILABLE');
    expect(context.telemetry.lines.at(-1)).toMatchObject({ level: 'warn', members: { code: 'STORE_UNAVAILABLE' } });
    expect(context.announced).toMatchObject([{ type: 'failed' }]);
  });

  test("a bug while it is recorded does not hide Retently's answer", async () => {
    const mistake = new TypeError('a mistake');
    context.tokenEndpoint.willAnswer(() => {
      context.store.intercept('putVersion', 'before', () => Promise.reject(mistake));
      return UNRECOGNIZED;
    });
    expect((await faultFrom(refresh(context, IF_DUE))).name).toBe('PROVIDER_UNAVAILABLE');
    expect(context.telemetry.lines).toContainEqual({
      level: 'warn',
      message: LOG_EVENTS.failureNotRecorded,
      members: { code: 'TypeError' },
    });
    expect(context.telemetry.states).toHaveLength(1);
  });
});

describe('I6: a revoked grant is tried only once', () => {
  test('however many ticks follow: each one throws, sends the state, and announces nothing', async () => {
    await fail(INVALID_GRANT);
    expect(context.announced.map(({ type }) => type)).toEqual(['failed', 'reauthorizationRequired']);
    expect(context.telemetry.states).toEqual([{ ...NO_TOKEN, isReauthorizationRequired: true }]);
    expect(new Set(await tick(48))).toEqual(new Set(['REAUTHORIZATION_REQUIRED']));
    expect(context.telemetry.states).toMatchObject([{ tokenSecondsRemaining: 0, isReauthorizationRequired: true }]);
    expect(context.announcements).toEqual([]);
  });

  test('a later run reports when it was rejected, and what to do', async () => {
    await fail(INVALID_CLIENT);
    const { name, message } = await faultFrom(refresh(context.nextRun({ afterMs: HOUR_MS }), IF_DUE));
    expect(name).toBe('CLIENT_REJECTED');
    expect(message).toContain(' 2026-11-22T12:00:00.000Z');
    expect(message).toContain(adviceOn('CLIENT_REJECTED', context.settings));
  });

  test('new credentials are used at the next tick, without a back-off', async () => {
    await fail(INVALID_GRANT);
    context = context.nextRun();
    context.write({ ...CREDENTIALS, refresh_token: 'refresh-7' });
    expect(await recover()).toMatchObject({ outcome: 'refreshed' });
    expect(context.announced.map(({ type }) => type)).toEqual(['refreshed', 'recovered']);
    expect(context.telemetry.states).toMatchObject([{ isReauthorizationRequired: false }]);
  });

  test('a corrected client secret is used at the next tick, with the same refresh token', async () => {
    await fail(INVALID_CLIENT);
    context = context.nextRun();
    context.write({ ...CREDENTIALS, client_secret: 'client-secret-2' });
    expect(await recover()).toMatchObject({ outcome: 'refreshed' });
    expect(context.announced).toMatchObject([{ attempt: 1 }, { type: 'recovered' }]);
  });

  test('even without the label of the journal, because the ids decide', async () => {
    await fail(INVALID_GRANT);
    context = context.nextRun();
    context.loseLabel();
    expect((await faultFrom(refresh(context, IF_DUE))).name).toBe('REAUTHORIZATION_REQUIRED');
    expect(context.telemetry.states).toMatchObject([{ isReauthorizationRequired: true }]);
  });

  test('a rejected client is reported as such, even if the journal has lost its label', async () => {
    await fail(INVALID_CLIENT);
    context = context.nextRun();
    context.loseLabel();
    expect((await faultFrom(refresh(context, IF_DUE))).name).toBe('CLIENT_REJECTED');
    expect(context.telemetry.states).toMatchObject([{ isReauthorizationRequired: false }]);
  });

  test('and it stays reported while a forced attempt cannot claim', async () => {
    await fail(INVALID_GRANT);
    context = context.nextRun();
    context.store.refuse('putVersion', 1);
    expect((await faultFrom(refresh(context, { force: true }))).name).toBe('STORE_UNAVAILABLE');
    expect(context.telemetry.states).toMatchObject([{ isReauthorizationRequired: true }]);
  });

  test('a temporary failure is reported, even if there are new credentials, which the next tick uses', async () => {
    context.tokenEndpoint.willAnswer(() => {
      context.write({ ...CREDENTIALS, refresh_token: 'refresh-7' });
      return UNRECOGNIZED;
    });
    expect((await faultFrom(refresh(context, IF_DUE))).name).toBe('PROVIDER_UNAVAILABLE');
    expect(context.tokenEndpoint.grants).toHaveLength(1);
  });

  test('credentials that were corrected afterwards are not reported as rejected', async () => {
    await fail(INVALID_GRANT);
    context = context.nextRun();
    context.write({ ...CREDENTIALS, client_secret: 'client-secret-2' });
    expect(await status(context)).toMatchObject({ decision: 'attempt' });
    expect(context.telemetry.states).toMatchObject([{ isReauthorizationRequired: false }]);
  });

  test('even if the check for a race fails after the rejection', async () => {
    context.tokenEndpoint.willAnswer(() => {
      context.store.refuse('readCurrent', 1);
      return INVALID_GRANT;
    });
    await faultFrom(refresh(context, IF_DUE));
    expect(context.announced.map(({ type }) => type)).toEqual(['failed', 'reauthorizationRequired']);
    expect(await tick(2)).toEqual(['REAUTHORIZATION_REQUIRED', 'REAUTHORIZATION_REQUIRED']);
  });
});

describe('invalid_grant because another run or an operator was first', () => {
  test('by an operator: the new credentials are used, and no failure is announced', async () => {
    context.tokenEndpoint.willAnswer(() => {
      context.write({ ...CREDENTIALS, refresh_token: 'refresh-7' });
      return INVALID_GRANT;
    }, TOKEN);
    expect(await refresh(context, IF_DUE)).toMatchObject({ outcome: 'refreshed' });
    expect(context.announced.map(({ type }) => type)).toEqual(['refreshed', 'recovered']);
  });

  test('the rejection is still recorded, so that a stale read cannot cause a second request', async () => {
    context.tokenEndpoint.willAnswer(() => {
      context.write({ ...CREDENTIALS, refresh_token: 'refresh-7' });
      return INVALID_GRANT;
    }, TOKEN);
    await refresh(context, IF_DUE);
    expect(context.versionIds).toContain(failureId(tokenHash, 0));
  });

  describe('an answer that another run recorded late is adopted and tried immediately, because the server may have revoked it', () => {
    const answered = refreshed(0, { refresh_token: 'refresh-2', access_token: 'access-2' });
    const late = () => {
      context.writeText(JSON.stringify(answered), [JOURNAL_STAGE], successorId(tokenHash));
      return INVALID_GRANT;
    };

    test('if it is valid, it is used', async () => {
      context.tokenEndpoint.willAnswer(late, { ...TOKEN, accessToken: 'access-3', refreshToken: 'refresh-3' });
      expect(await refresh(context, IF_DUE)).toMatchObject({ outcome: 'refreshed', secondsRemaining: 21_600 });
      expect(context.tokenEndpoint.grants.map(({ refreshToken }) => refreshToken)).toEqual(['refresh-1', 'refresh-2']);
      expect(context.currentDocument).toMatchObject({ refresh_token: 'refresh-3' });
    });

    test('if it is revoked, someone is notified now, and not when the access token expires', async () => {
      context.tokenEndpoint.willAnswer(late, INVALID_GRANT);
      expect((await faultFrom(refresh(context, IF_DUE))).name).toBe('REAUTHORIZATION_REQUIRED');
      expect(context.currentDocument).toEqual(answered);
      expect(await tick(2)).toEqual(['REAUTHORIZATION_REQUIRED', 'REAUTHORIZATION_REQUIRED']);
    });

    test('if its state is unknown, the next run does not call it fresh', async () => {
      context.tokenEndpoint.willAnswer(late, UNRECOGNIZED);
      await faultFrom(refresh(context, IF_DUE));
      context = context.nextRun({ afterMs: 30 * MINUTE_MS });
      context.tokenEndpoint.willAnswer(INVALID_GRANT);
      expect((await faultFrom(refresh(context, IF_DUE))).name).toBe('REAUTHORIZATION_REQUIRED');
    });
  });

  test('an answer that another run records after the rejection is adopted without a second request', async () => {
    context.tokenEndpoint.willAnswer(() => {
      const answer = JSON.stringify(refreshed(0, { refresh_token: 'refresh-2' }));
      context.store.intercept('putVersion', 'after', () =>
        context.writeText(answer, [JOURNAL_STAGE], successorId(tokenHash)),
      );
      return INVALID_GRANT;
    });
    expect(await refresh(context, IF_DUE)).toMatchObject({ outcome: 'adopted' });
    expect(context.tokenEndpoint.grants).toHaveLength(1);
  });

  test.each([
    ['is seen', 24_000, 'STORE_UNAVAILABLE'],
    ['is left to the next run', 23_999, 'REAUTHORIZATION_REQUIRED'],
  ])('an edit %s with %i ms left', async (_what, remainingMs, code) => {
    context.tokenEndpoint.willAnswer(() => {
      context.write({ ...CREDENTIALS, refresh_token: 'refresh-7' });
      context.deadlineMs = context.world.nowMs + remainingMs;
      return INVALID_GRANT;
    });
    expect((await faultFrom(refresh(context, IF_DUE))).name).toBe(code);
  });

  test('an emptied secret is not configured', async () => {
    context.tokenEndpoint.willAnswer(() => {
      context.store.readCurrent = async () => undefined;
      return INVALID_GRANT;
    });
    expect(await refresh(context, IF_DUE)).toMatchObject({ outcome: 'not-configured' });
  });
});

describe('a rejection without a known code', () => {
  /** Runs a tick every ten minutes; the server rejects each request. */
  async function refuseFor(minutes: number) {
    const codes: string[] = [];
    for (let passed = 0; passed <= minutes; passed += 10) {
      context.tokenEndpoint.willAnswer(UNRECOGNIZED);
      codes.push(
        await refresh(context, IF_DUE).then(
          ({ outcome }) => outcome,
          ({ name }: Error) => name,
        ),
      );
      announced.push(...context.announced);
      states.push(...context.telemetry.states);
      context = context.nextRun({ afterMs: 10 * MINUTE_MS });
    }
    return codes;
  }
  const announced: Announcement[] = [];
  const states: FakeContext['telemetry']['states'] = [];

  beforeEach(() => {
    announced.length = 0;
    states.length = 0;
  });

  test('notifies no one while it may be temporary', async () => {
    expect(new Set(await refuseFor(50))).toEqual(new Set(['PROVIDER_UNAVAILABLE', 'waiting']));
    expect(announced.map(({ type }) => type)).not.toContain('reauthorizationRequired');
    expect(states.every(({ isReauthorizationRequired }) => isReauthorizationRequired === false)).toBe(true);
  });

  test('that lasts for more than an hour is probably a revoked grant: announced once, and retried with back-off', async () => {
    const codes = await refuseFor(24 * 60);
    const first = codes.indexOf('REAUTHORIZATION_PROBABLE');
    expect(first * 10).toBeLessThanOrEqual(4 * 60);
    const required = announced.filter(({ type }) => type === 'reauthorizationRequired');
    expect(required).toMatchObject([{ probable: true, code: 'REAUTHORIZATION_PROBABLE' }]);
    expect(states.slice(first).every(({ isReauthorizationRequired }) => isReauthorizationRequired)).toBe(true);
    const posts = codes.filter((code) => code !== 'waiting').length;
    expect(posts).toBeLessThanOrEqual(40);
  });

  test('has advice on what to try first', async () => {
    await refuseFor(60);
    context = context.nextRun({ afterMs: 45 * MINUTE_MS });
    context.tokenEndpoint.willAnswer(UNRECOGNIZED);
    const fault = await faultFrom(refresh(context, { force: true }));
    expect(fault.name).toBe('REAUTHORIZATION_PROBABLE');
    expect(fault.message).toContain(adviceOn('REAUTHORIZATION_PROBABLE', context.settings));
  });

  test('continues after an outage, and ends with a success', async () => {
    await refuseFor(120);
    context = context.nextRun({ afterMs: HOUR_MS });
    context.tokenEndpoint.willAnswer(NOT_SENT, NOT_SENT, NOT_SENT, NOT_SENT);
    await faultFrom(refresh(context, IF_DUE));
    expect(context.telemetry.states).toMatchObject([{ isReauthorizationRequired: true }]);
    expect(context.announced.map(({ type }) => type)).toEqual(['failed']);
    context = context.nextRun({ afterMs: HOUR_MS });
    context.tokenEndpoint.willAnswer(TOKEN);
    expect(await refresh(context, IF_DUE)).toMatchObject({ outcome: 'refreshed' });
    expect(context.telemetry.states).toMatchObject([{ isReauthorizationRequired: false }]);
  });

  test('starts a new count after the credentials change', async () => {
    await refuseFor(120);
    context.write({ ...CREDENTIALS, client_secret: 'another' });
    context = context.nextRun({ afterMs: HOUR_MS });
    context.tokenEndpoint.willAnswer(UNRECOGNIZED);
    expect((await faultFrom(refresh(context, IF_DUE))).name).toBe('PROVIDER_UNAVAILABLE');
  });
});

describe('an answer with only a refresh token', () => {
  test('is stored: the new refresh token becomes current with the old access token, and is used next', async () => {
    const before = refreshed(4);
    context.write(before);
    expect((await fail(REFRESH_TOKEN_ONLY)).name).toBe('PROVIDER_AMBIGUOUS');
    const { access_token, expires_at } = before;
    expect(context.currentDocument).toMatchObject({ refresh_token: 'refresh-2', access_token, expires_at });
    expect(context.announced).toMatchObject([{ type: 'failed', code: 'PROVIDER_AMBIGUOUS' }]);
    context = context.nextRun();
    context.tokenEndpoint.willAnswer({ ...TOKEN, accessToken: 'access-3', refreshToken: 'refresh-3' });
    expect(await refresh(context, IF_DUE)).toMatchObject({ outcome: 'refreshed' });
    expect(context.tokenEndpoint.grants[0]?.refreshToken).toBe('refresh-2');
  });

  test('is announced as failed, so the next success publishes recovered', async () => {
    await fail(REFRESH_TOKEN_ONLY);
    context = context.nextRun();
    await recover();
    expect(context.announced.map(({ type }) => type)).toEqual(['refreshed', 'recovered']);
  });
});

test('recovered is published even if the run after the failure crashed', async () => {
  await fail(UNRECOGNIZED);
  const crashed = context.nextRun({ afterMs: MINUTE_MS });
  crashed.tokenEndpoint.willAnswer(() => Promise.reject(new Error('the run ends here')));
  await refresh(crashed, IF_DUE).catch(() => undefined);
  const next = crashed.nextRun({ afterMs: 90_000 });
  next.tokenEndpoint.willAnswer(TOKEN);
  await refresh(next, IF_DUE);
  expect(next.announced.map(({ type }) => type)).toEqual(['refreshed', 'recovered']);
});

test('after a run that crashed during its POST, the token is tried again when the lease ends, with a warning', async () => {
  context.tokenEndpoint.willAnswer(() => Promise.reject(new Error('the run ends here')));
  await refresh(context, IF_DUE).catch(() => undefined);
  expect(await refresh(context.nextRun({ afterMs: 89_999 }), IF_DUE)).toMatchObject({ outcome: 'busy' });
  const next = context.nextRun({ afterMs: 1 });
  next.tokenEndpoint.willAnswer(TOKEN);
  expect(await refresh(next, IF_DUE)).toMatchObject({ outcome: 'refreshed' });
  expect(next.telemetry.counts).toEqual(['claim taken over', 'refreshed']);
});

describe('I8: the versions of a day', () => {
  test('a provider that is down for a day at a 30-minute schedule: at most 60 puts, and fresh within two ticks of its return', async () => {
    for (let halfHour = 0; halfHour < 48; halfHour += 1) {
      context = context.nextRun({ afterMs: 30 * MINUTE_MS });
      context.tokenEndpoint.willAnswer(UNRECOGNIZED);
      await refresh(context, IF_DUE).catch(() => undefined);
    }
    expect(context.versionIds.length - 1).toBeLessThanOrEqual(60);
    const outcomes = [];
    for (let halfHour = 0; halfHour < 2; halfHour += 1) {
      context = context.nextRun({ afterMs: 30 * MINUTE_MS });
      context.tokenEndpoint.willAnswer(TOKEN);
      outcomes.push((await refresh(context, IF_DUE)).outcome);
    }
    expect(outcomes).toContain('refreshed');
  });

  test('two hundred forced refreshes in a row: the version budget stops them in time, and no token is lost', async () => {
    let outcome = '';
    for (let run = 0; run < 200; run += 1) {
      context = context.nextRun({ afterMs: 1_000 });
      context.tokenEndpoint.willAnswer({ ...TOKEN, accessToken: `access-${run}`, refreshToken: `refresh-of-${run}` });
      ({ outcome } = await refresh(context, { force: true }));
      if (outcome === 'waiting') break;
      expect(context.currentDocument).toMatchObject({ refresh_token: `refresh-of-${run}` });
    }
    expect(outcome).toBe('waiting');
    expect(context.versionIds.length).toBeLessThanOrEqual(90);
  });
});

test('an overwritten secret is reported with its last complete document, and not as a revoked grant', async () => {
  context.tokenEndpoint.willAnswer(TOKEN);
  await refresh(context, IF_DUE);
  const answer = context.currentVersionId;
  const written = context.write({ client_secret: 'a new one' });
  for (const run of [refresh(context, IF_DUE), status(context)]) {
    const { name, message } = await faultFrom(run);
    expect(name).toBe('CREDENTIALS_INCOMPLETE');
    expect(message).toContain(`--move-to-version-id ${answer} --remove-from-version-id ${written}`);
  }
});

test('an answer that is stored after another run was rejected is tried immediately and not called fresh', async () => {
  context.tokenEndpoint.willAnswer(() => {
    context.store.refuse('putVersion', 1_000);
    return TOKEN;
  });
  await faultFrom(refresh(context, IF_DUE));
  const { memory } = context;
  context = context.nextRun({ afterMs: 2 * MINUTE_MS });
  context.tokenEndpoint.willAnswer(INVALID_GRANT);
  await faultFrom(refresh(context, IF_DUE));
  const thawed = context.nextRun({ afterMs: MINUTE_MS });
  thawed.memory.pendingAnswer = memory.pendingAnswer;
  thawed.tokenEndpoint.willAnswer(INVALID_GRANT);
  expect((await faultFrom(refresh(thawed, IF_DUE))).name).toBe('REAUTHORIZATION_REQUIRED');
  expect(thawed.telemetry.states).toMatchObject([{ isReauthorizationRequired: true }]);
});

test('a crashed run does not hide earlier rejections: the count continues', async () => {
  const refused = async (afterMs: number) => {
    context = context.nextRun({ afterMs });
    context.tokenEndpoint.willAnswer(UNRECOGNIZED);
    return (await faultFrom(refresh(context, IF_DUE))).name;
  };
  for (const minutes of [0, 5, 10, 20]) expect(await refused(minutes * MINUTE_MS)).toBe('PROVIDER_UNAVAILABLE');
  const died = context.nextRun({ afterMs: 40 * MINUTE_MS });
  died.tokenEndpoint.willAnswer(() => new Promise(() => {}));
  void refresh(died, IF_DUE);
  await new Promise((resolve) => setImmediate(resolve));
  expect(await refused(5 * MINUTE_MS)).toBe('REAUTHORIZATION_PROBABLE');
});

test('if earlier rejections cannot be read, the count starts over, and the run continues', async () => {
  const claimed = context.nextRun();
  claimed.tokenEndpoint.willAnswer(() => new Promise(() => {}));
  void refresh(claimed, IF_DUE);
  await new Promise((resolve) => setImmediate(resolve));
  context = context.nextRun({ afterMs: 5 * MINUTE_MS });
  context.tokenEndpoint.willAnswer(() => {
    context.store.refuse('readVersion', 10);
    return UNRECOGNIZED;
  });
  expect((await faultFrom(refresh(context, IF_DUE))).name).toBe('PROVIDER_UNAVAILABLE');
});

test('a secret that never had a complete document names none', async () => {
  const empty = FakeContext.withSecret({ client_id: 'client-id-1' });
  empty.writeText('scribble', [JOURNAL_STAGE]);
  const { message } = await faultFrom(refresh(empty, IF_DUE));
  expect(message).not.toContain('version-id');
  empty.writeText(renderFailure({ tokenHash, attempt: 0, code: 'CLIENT_REJECTED', digest: 'd' }), [JOURNAL_STAGE]);
  expect((await faultFrom(refresh(empty.nextRun(), IF_DUE))).message).not.toContain('version-id');
});
