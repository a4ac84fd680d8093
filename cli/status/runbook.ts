/** The entry for a code (`TOKEN_NOT_STORED`) or an alarm (`TokenNotStored`). */
export function toRunbookLink(codeOrAlarm: string): string {
  const words = codeOrAlarm.replaceAll(/([a-z])([A-Z])/g, '$1-$2').replaceAll('_', '-');
  return `docs/runbook.md#${words.toLowerCase()}`;
}

/** In the order in which to look at them: what is gone soonest comes first. */
const ALARMS = [
  'TokenNotStored',
  'ReauthorizationRequired',
  'FunctionFailing',
  'UndeliveredTicks',
  'FailedRuns',
  'TokenExpiringSoon',
] as const;

/** CloudFormation names an alarm after its construct, with more before and behind it. */
export function findAlarmKind(alarmNames: readonly string[]): string | undefined {
  return ALARMS.find((kind) => alarmNames.some((name) => name.includes(kind)));
}
