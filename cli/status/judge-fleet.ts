import { toRunbookEntry } from '../../lambda/contract.ts';
import { formatTag } from '../aws/fleet-tag.ts';
import { EXIT } from '../command-error.ts';
import { type Judgment, judgeAlarms, judgeSchedule, judgeUnseen, toAttention, toUnknown } from './judge.ts';
import type { FleetStatus } from './look-at-fleet.ts';
import { type JudgedAccount, nameOfSecret } from './rank.ts';

/** Judges a fleet. The problem that concerns most secrets comes first. */
export function judgeFleet(status: FleetStatus): Judgment {
  const { secrets, watch } = status;
  if (typeof secrets === 'string') return toUnknown(secrets);
  const [worst] = secrets;
  if (worst === undefined) return judgeEmpty(status);
  const ofWorst = judgeWorst(worst, secrets);
  const disabled = judgeSchedule(watch, true);
  if (disabled !== undefined) return disabled;
  if (ofWorst.exitCode === EXIT.attention) return ofWorst;
  const alarmed = judgeAlarms(watch);
  if (alarmed !== undefined) return alarmed;
  if (ofWorst.exitCode === EXIT.unable) return ofWorst;
  return judgeUnseen(watch) ?? ofWorst;
}

function judgeWorst({ account, judgment }: JudgedAccount, ranked: readonly JudgedAccount[]): Judgment {
  const alike = ranked.filter((each) => each.judgment.exitCode === judgment.exitCode);
  const which = alike.length === 1 ? nameOfSecret(account) : `${nameOfSecret(account)}, the first of ${alike.length}`;
  return judgment.exitCode === EXIT.done ? judgment : { ...judgment, reason: `${which}: ${judgment.reason}` };
}

function judgeEmpty({ fleet, addSecret }: FleetStatus): Judgment {
  const reason = `No secret has the tag ${formatTag(fleet.tag)}, so the fleet refreshes nothing. AWS may list a new tag five minutes late.`;
  return toAttention('reauthorize', { reason, command: addSecret, runbook: toRunbookEntry('SweepSilent') });
}
