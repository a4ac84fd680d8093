import { describe, test } from 'vitest';
import { useSandbox } from '../support/in-sandbox.ts';
import { AFTER_THE_RECORD, BEFORE_THE_ANSWER, BETWEEN, expectReauthorization, expectRecovery } from './crashes.ts';

describe('a killed run loses no token: when its lease ends, the next run completes it', () => {
  const use = useSandbox({ kind: 'rotation' });
  test.each([...BEFORE_THE_ANSWER, ...AFTER_THE_RECORD])('at $at: $next', (crash) => expectRecovery(use(), crash));
});

describe('killed between the answer and the record', () => {
  const useGrace = useSandbox({ kind: 'grace' });
  const useNoRotation = useSandbox({ kind: 'no-rotation' });
  const useStrict = useSandbox({ kind: 'rotation' });

  test.each(BETWEEN)('at $at: a server with a grace answers again', (crash) =>
    expectRecovery(useGrace(), { ...crash, next: 'refreshed' }),
  );

  test.each(BETWEEN)('at $at: a server that does not rotate answers again', (crash) =>
    expectRecovery(useNoRotation(), { ...crash, next: 'refreshed' }),
  );

  test.each(BETWEEN)('at $at: with strict rotation an admin is notified, and nothing more is sent', (crash) =>
    expectReauthorization(useStrict(), crash),
  );
});
