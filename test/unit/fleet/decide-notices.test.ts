import { describe, expect, test } from 'vitest';
import {
  decideNotices,
  NO_ONE_NOTIFIED,
  type Notified,
  renderNotice,
  renderOthers,
} from '../../../lambda/fleet/decide-notices.ts';
import type { SecretJudgment, TroubleCode } from '../../../lambda/fleet/judge-secret.ts';

function toArn(name: string): string {
  return `arn:aws:secretsmanager:us-east-1:000000000000:secret:retently/${name}-AbCdEf`;
}

function judgment(name: string, trouble?: TroubleCode): SecretJudgment {
  const rest = { turn: 'none', fromMs: 0, expiresAtMs: 0, secondsUntilDue: 0 } as const;
  return { arn: toArn(name), ...rest, trouble };
}

/** Healthy accounts, so many that a few others do not count as one shared cause. */
const HEALTHY = Array.from({ length: 1_000 }, (_, index) => judgment(`healthy-${index}`));

/** Returns the notices of consecutive sweeps, as codes and names. */
function sweep(...sweeps: readonly (readonly SecretJudgment[])[]) {
  let state: Notified = NO_ONE_NOTIFIED;
  return sweeps.map((judgments) => {
    const { notices, others, next } = decideNotices(state, [...judgments, ...HEALTHY]);
    // The state survives as JSON.
    state = JSON.parse(JSON.stringify(next));
    const names = notices.map(
      ({ code, arns }) => `${code} ${arns.map((arn) => arn.replace(/^.*\/(.*)-AbCdEf$/, '$1')).join()}`,
    );
    return others === 0 ? names : [...names, `and ${others}`];
  });
}

const REQUIRED = 'REAUTHORIZATION_REQUIRED';
const PROBABLE = 'REAUTHORIZATION_PROBABLE';
const GARBAGE = 'CREDENTIALS_INVALID';

describe('an account is reported', () => {
  test('once, however many sweeps find the same state', () => {
    const found = [judgment('a', REQUIRED)];
    expect(sweep(found, found, found)).toEqual([[`${REQUIRED} a`], [], []]);
  });

  test('even if another one was reported before', () => {
    expect(sweep([judgment('a', REQUIRED)], [judgment('a', REQUIRED), judgment('b', REQUIRED)])).toEqual([
      [`${REQUIRED} a`],
      [`${REQUIRED} b`],
    ]);
  });

  test('again if its problem changes, or returns after it was over', () => {
    const sweeps = [[judgment('a', PROBABLE)], [judgment('a', REQUIRED)], [judgment('a')], [judgment('a', REQUIRED)]];
    expect(sweep(...sweeps)).toEqual([[`${PROBABLE} a`], [`${REQUIRED} a`], [], [`${REQUIRED} a`]]);
  });

  test('as unusable only if two consecutive sweeps found it unusable', () => {
    const found = [judgment('a', GARBAGE)];
    expect(sweep(found, [judgment('a')], found, found, found)).toEqual([[], [], [], [`${GARBAGE} a`], []]);
  });

  test('once, even if a sweep in between could not read it, or briefly found it unusable', () => {
    const found = [judgment('a', REQUIRED)];
    const unread = [judgment('a', 'STORE_UNAVAILABLE')];
    expect(sweep(unread, found, unread, [judgment('a', GARBAGE)], found)).toEqual([[], [`${REQUIRED} a`], [], [], []]);
  });
});

test('an account that two sweeps in a row could not read keeps its state', () => {
  const found = [judgment('a', REQUIRED)];
  const unread = [judgment('a', 'STORE_UNAVAILABLE')];
  expect(sweep(found, unread, unread, found)).toEqual([[`${REQUIRED} a`], [], [], []]);
});

describe('many accounts', () => {
  const names = Array.from({ length: 30 }, (_, index) => `n${String(index).padStart(2, '0')}`);

  test('cause twenty emails, and one with the number of the others', () => {
    const [first = [], second] = sweep(...[1, 2].map(() => names.map((name) => judgment(name, REQUIRED))));
    expect(first).toHaveLength(21);
    expect(first.at(-1)).toBe('and 10');
    expect(second).toEqual([]);
  });

  test('are reported as one if more than a tenth have one cause', () => {
    const judgments = [...names.map((name) => judgment(name, REQUIRED)), ...HEALTHY.slice(0, 200)];
    const { notices, others } = decideNotices(NO_ONE_NOTIFIED, [...judgments, judgment('x', PROBABLE)]);
    expect(notices.map(({ code, arns }) => [code, arns.length])).toEqual([
      [REQUIRED, 30],
      [PROBABLE, 1],
    ]);
    expect(others).toBe(0);
  });

  test('are reported as one, too, if a cause that more than a tenth have shows in several sweeps', () => {
    const healthy = HEALTHY.slice(0, 70);
    const revoked = names.map((name) => judgment(name, REQUIRED));
    let state: Notified = NO_ONE_NOTIFIED;
    const emails = [6, 12, 18, 19].map((count) => {
      const { notices, others, next } = decideNotices(state, [...revoked.slice(0, count), ...healthy]);
      state = next;
      expect(others).toBe(0);
      return notices.map(({ arns }) => arns.length);
    });
    expect(emails).toEqual([[1, 1, 1, 1, 1, 1], [6], [6], [1]]);
  });

  test('do not count as a shared cause if there is only one of them', () => {
    expect(decideNotices(NO_ONE_NOTIFIED, [judgment('a', REQUIRED)]).notices).toEqual([
      { code: REQUIRED, arns: [toArn('a')] },
    ]);
  });
});

describe('an email', () => {
  test('names the account, why, and the command', () => {
    const { subject, message } = renderNotice({ code: REQUIRED, arns: [toArn('acme')] }, 500);
    expect(subject).toBe('Reauthorization required: retently/acme');
    expect(message).toContain(toArn('acme'));
    expect(message).toContain('REAUTHORIZATION_REQUIRED, reauthorize');
    expect(message).toContain('retently-token-refresh authorize --secret-id retently/acme --region us-east-1');
  });

  test('about an unusable secret has the command for its status', () => {
    const { subject, message } = renderNotice({ code: 'STORE_DENIED', arns: [toArn('acme')] }, 500);
    expect(subject).toBe('Secret unusable: retently/acme');
    expect(message).toContain('retently-token-refresh status --secret-id retently/acme');
  });

  test('about an empty secret has the command to authorize', () => {
    const { message } = renderNotice({ code: 'not-configured', arns: [toArn('acme')] }, 500);
    expect(message).toContain('retently-token-refresh authorize --secret-id retently/acme');
  });

  test('about a shared cause has the number, and names the first', () => {
    const arns = Array.from({ length: 25 }, (_, index) => toArn(`n${index}`));
    const { subject, message } = renderNotice({ code: PROBABLE, arns }, 100);
    expect(subject).toContain('25 of 100 accounts');
    expect(message).toContain(toArn('n19'));
    expect(message).not.toContain(toArn('n20'));
    expect(message).toContain('5 more');
  });

  test('has a subject that SNS accepts', () => {
    const { subject } = renderNotice({ code: PROBABLE, arns: [toArn('x'.repeat(400))] }, 1);
    expect(subject.length).toBeLessThan(100);
    expect(renderOthers(7).subject).toContain('7 more accounts');
  });
});
