import * as z from 'zod';
import type { AlarmState } from './evaluate-alarm.ts';
import { type Attributes, resolveText } from './resolve-intrinsics.ts';
import { resourceOf, type SynthesisedTemplate } from './synthesise.ts';

/** A composite alarm that is on while one of its alarms is on. */
export interface Composite {
  /** Ids of the constructs of its alarms. */
  readonly alarms: readonly string[];
  /** `undefined`: every change of the state causes its action. */
  readonly suppressor:
    | { readonly alarm: string; readonly waitSeconds: number; readonly extensionSeconds: number }
    | undefined;
}

/** State of an alarm in each minute from minute 0 on, and the second of a minute in which CloudWatch evaluates the alarm. */
export interface Evaluated {
  readonly states: readonly AlarmState[];
  readonly second: number;
}

/** Action of a composite alarm. */
export interface CompositeAction {
  readonly state: 'ALARM' | 'OK';
  readonly atSecond: number;
}

const compositeSchema = z.strictObject({
  AlarmName: z.string(),
  AlarmDescription: z.unknown(),
  AlarmRule: z.unknown(),
  OKActions: z.array(z.unknown()).length(1),
  ActionsSuppressor: z.unknown().optional(),
  ActionsSuppressorWaitPeriod: z.int().optional(),
  ActionsSuppressorExtensionPeriod: z.int().optional(),
});

/** Returns the one composite alarm of a template. */
export function compositeOf(template: SynthesisedTemplate, attributes: Attributes): Composite {
  const composite = compositeSchema.parse(resourceOf(template, 'AWS::CloudWatch::CompositeAlarm').Properties);
  const { ActionsSuppressor, ActionsSuppressorWaitPeriod = 0, ActionsSuppressorExtensionPeriod = 0 } = composite;
  const rule = resolveText(composite.AlarmRule, attributes);
  if (!/^\(ALARM\("[^"]+"\)( OR ALARM\("[^"]+"\))*\)$/.test(rule)) throw new Error(`unknown rule: ${rule}`);
  return {
    alarms: [...rule.matchAll(/ALARM\("([^"]+)"\)/g)].map(([, arn = '']) => toName(arn)),
    suppressor:
      ActionsSuppressor === undefined
        ? undefined
        : {
            alarm: toName(resolveText(ActionsSuppressor, attributes)),
            waitSeconds: ActionsSuppressorWaitPeriod,
            extensionSeconds: ActionsSuppressorExtensionPeriod,
          },
  };
}

function toName(arn: string): string {
  return arn.replace(/^.*:(?:TokenRefresh|Fleet)Alarms(.+).{8}$/, '$1');
}

/**
 * Returns the actions of a composite alarm. A change of its state starts the wait period, and the suppressor's return from `ALARM`
 * starts the extension period. Each of them replaces the other, and only the state at its end causes an action.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Create_Composite_Alarm_Suppression.html
 */
export function watchComposite(
  { alarms, suppressor }: Composite,
  evaluated: ReadonlyMap<string, Evaluated>,
): readonly CompositeAction[] {
  const names = new Set([...alarms, ...(suppressor ? [suppressor.alarm] : [])]);
  const changes = [...names].flatMap((name) => changesOf(name, evaluated)).sort((a, b) => a.atSecond - b.atSecond);
  const on = new Set<string>();
  const actions: CompositeAction[] = [];
  let state: CompositeAction['state'] = 'OK';
  let actAtSecond = Number.POSITIVE_INFINITY;
  const actUntil = (second: number) => {
    if (second <= actAtSecond) return;
    actions.push({ state, atSecond: actAtSecond });
    actAtSecond = Number.POSITIVE_INFINITY;
  };
  for (const { alarm, isOn, atSecond } of changes) {
    actUntil(atSecond);
    if (isOn) on.add(alarm);
    else on.delete(alarm);
    const isSuppressed = suppressor !== undefined && on.has(suppressor.alarm);
    if (alarm === suppressor?.alarm) {
      actAtSecond = isOn ? Number.POSITIVE_INFINITY : atSecond + suppressor.extensionSeconds;
    }
    const next = alarms.some((each) => on.has(each)) ? 'ALARM' : 'OK';
    if (next === state) continue;
    state = next;
    if (!isSuppressed) actAtSecond = atSecond + (suppressor?.waitSeconds ?? 0);
  }
  actUntil(Number.POSITIVE_INFINITY);
  return actions;
}

function changesOf(
  alarm: string,
  evaluated: ReadonlyMap<string, Evaluated>,
): readonly { readonly alarm: string; readonly isOn: boolean; readonly atSecond: number }[] {
  const { states, second } = evaluated.get(alarm) ?? { states: [], second: 0 };
  return states.flatMap((state, minute) => {
    const isOn = state === 'ALARM';
    const isChange = isOn !== (states[minute - 1] === 'ALARM');
    return isChange ? [{ alarm, isOn, atSecond: minute * 60 + second }] : [];
  });
}
