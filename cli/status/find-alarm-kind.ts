/** In the order in which to look at them: what is gone soonest comes first. */
const ALARMS = [
  'TokenNotStored',
  'ReauthorizationRequired',
  'FunctionFailing',
  'SweepSilent',
  'QueueOld',
  'UndeliveredTicks',
  'FailedRuns',
  'DeadLetters',
  'TokenExpiringSoon',
  'TokenOverdue',
  'SecretUnusable',
  'TokenSecretBehind',
] as const;

/** CloudFormation names an alarm after its construct, with more before and behind it. */
export function findAlarmKind(alarmNames: readonly string[]): string | undefined {
  return ALARMS.find((kind) => alarmNames.some((name) => name.includes(kind)));
}
