import { describe, expect, it } from 'vitest';
import { FLEET_METRICS, METRIC_NAMESPACE } from '../../lambda/contract.ts';
import { attributesOf, FUNCTION_NAME } from './deployed-template.ts';
import type { Datapoint } from './embedded-metrics.ts';
import { type AlarmState, watchAlarm } from './evaluate-alarm.ts';
import { compositeOf, type Evaluated, watchComposite } from './evaluate-composite.ts';
import { alarmsOf } from './monitored-function.ts';
import { synthesiseFleet } from './synthesise.ts';

/** Units of time of the examples in AWS's documentation. */
const WAIT = 2;
const EXTENSION = 3;
const EXAMPLE = {
  alarms: ['Child'],
  suppressor: { alarm: 'Suppressor', waitSeconds: WAIT * 60, extensionSeconds: EXTENSION * 60 },
};
const statesOf = (letters: string): Evaluated => ({
  states: [...letters].map((letter): AlarmState => (letter === 'A' ? 'ALARM' : 'OK')),
  second: 0,
});

describe('a composite alarm with a suppressor, in the examples of AWS', () => {
  it.each([
    ['acts after the wait period', '--AAAAAAAA', '----------', ['ALARM 4']],
    ['does not act while the suppressor is on', '--AAAAAAAA', '---AAAAAAA', []],
    ['waits again after a change', '--A-------', '----------', ['OK 5']],
    ['does not act if the suppressor was on before', '--AAAAAAAA', 'AAAAAAAAAA', []],
    ['acts after the extension period', '--AAAAAAAA', '---AAA----', ['ALARM 9']],
    ['replaces the extension period with a wait period', '--AAAAA---', '---AAA----', ['OK 9']],
  ])('%s', (_, child, suppressor, expected) => {
    const evaluated = new Map([
      ['Child', statesOf(child)],
      ['Suppressor', statesOf(suppressor)],
    ]);
    const actions = watchComposite(EXAMPLE, evaluated);
    expect(actions.map(({ state, atSecond }) => `${state} ${atSecond / 60}`)).toEqual(expected);
  });
});

describe('All clear', () => {
  const template = synthesiseFleet();
  const attributes = attributesOf(template, '');
  const COMPOSITE = compositeOf(template, attributes);
  const MINUTES = 360;
  const SILENT_FROM = 70;
  const SILENT_UNTIL = 190;
  /** Sweeps after the silence that read an overdue token. */
  const OVERDUE_SWEEPS = 2;

  /** Sweeps every ten minutes stop for two hours. Tokens become overdue meanwhile, and are fresh from the third sweep on. */
  const datapoints = Array.from({ length: MINUTES / 10 }, (_, tick) => tick * 10)
    .filter((minute) => minute < SILENT_FROM || minute >= SILENT_UNTIL)
    .flatMap((minute): readonly Datapoint[] => {
      const isOverdue = minute >= SILENT_UNTIL && minute < SILENT_UNTIL + OVERDUE_SWEEPS * 10;
      const values = {
        [FLEET_METRICS.tokenSecondsOverdue]: isOverdue ? 5_400 : 0,
        [FLEET_METRICS.manyTokensSecondsOverdue]: 0,
        [FLEET_METRICS.secretUnusable]: 0,
        [FLEET_METRICS.secretsListed]: 20,
      };
      const dimensions = { FunctionName: FUNCTION_NAME };
      return Object.entries(values).map(([metricName, value]) => {
        return { namespace: METRIC_NAMESPACE, metricName, dimensions, atMs: minute * 60_000, value };
      });
    });
  const STATES = [...alarmsOf(template, attributes)].map(
    // The state is known from the first sweeps on.
    ([name, alarm]) => [name, watchAlarm(alarm, datapoints, 20, MINUTES - 10)] as const,
  );
  const SECONDS = [0, 1, 20, 40, 59];
  const ORDERS = SECONDS.flatMap((silent) => SECONDS.map((overdue) => [silent, overdue] as const));

  function toEvaluated(silent: number, overdue: number): ReadonlyMap<string, Evaluated> {
    const toSecond = (name: string) => (name === 'SweepSilent' ? silent : overdue);
    return new Map(STATES.map(([name, states]) => [name, { states, second: toSecond(name) }]));
  }

  /** Second in which the last alarm cleared. */
  function clearedAt(evaluated: ReadonlyMap<string, Evaluated>): number {
    const ends = [...evaluated.values()].map(({ states, second }) => {
      const last = states.lastIndexOf('ALARM');
      return last === -1 ? 0 : (last + 1) * 60 + second;
    });
    return Math.max(...ends);
  }

  it.each(ORDERS)(
    'is one email, after sweeps resume and find tokens that became overdue: SweepSilent in second %i, the others in second %i',
    (silent, overdue) => {
      const evaluated = toEvaluated(silent, overdue);
      const fired = [...evaluated].filter(([, { states }]) => states.includes('ALARM')).map(([name]) => name);
      expect(fired.sort()).toEqual(['SweepSilent', 'TokenOverdue']);
      const emails = watchComposite(COMPOSITE, evaluated).filter(({ state }) => state === 'OK');
      expect(emails).toEqual([{ state: 'OK', atSecond: clearedAt(evaluated) + 120 }]);
    },
  );

  it('would be sent too early without its suppressor, if SweepSilent cleared before TokenOverdue fired', () => {
    const evaluated = toEvaluated(0, 59);
    const emails = watchComposite({ ...COMPOSITE, suppressor: undefined }, evaluated).filter(
      ({ state }) => state === 'OK',
    );
    expect(emails).toHaveLength(2);
    expect(emails[0]?.atSecond).toBeLessThan(clearedAt(evaluated));
  });
});
