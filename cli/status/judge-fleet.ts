import { toRunbookEntry } from '../../lambda/contract.ts';
import { formatTag } from '../aws/fleet-tag.ts';
import { EXIT } from '../command-error.ts';
import { type Judgement, judgeAlarms, judgeSchedule } from './judge.ts';
import type { FleetStatus } from './look-at-fleet.ts';
import { type JudgedAccount, nameOfSecret } from './rank.ts';

/** A pure function of all that is known: what concerns most secrets comes first. */
export function judgeFleet(status: FleetStatus): Judgement {
  const { secrets, watch } = status;
  if (typeof secrets === 'string') return { exitCode: EXIT.unable, sentence: secrets, brief: secrets };
  const [worst] = secrets;
  if (worst === undefined) return judgeEmpty(status);
  const ofWorst = judgeWorst(worst, secrets);
  const disabled = judgeSchedule(watch, true);
  if (disabled !== undefined) return disabled;
  if (ofWorst.exitCode === EXIT.attention) return ofWorst;
  const alarmed = judgeAlarms(watch);
  if (alarmed !== undefined) return alarmed;
  if (ofWorst.exitCode === EXIT.unable) return ofWorst;
  const [problem] = watch?.problems ?? [];
  if (problem === undefined) return { exitCode: EXIT.done, sentence: 'Nothing.', brief: 'nothing' };
  const sentence = `The tokens are fine, but not everything could be seen. ${problem}`;
  return { exitCode: EXIT.unable, sentence, brief: 'nothing' };
}

function judgeWorst({ account, judgement }: JudgedAccount, ranked: readonly JudgedAccount[]): Judgement {
  const alike = ranked.filter((each) => each.judgement.exitCode === judgement.exitCode);
  const which = alike.length === 1 ? nameOfSecret(account) : `${nameOfSecret(account)}, the first of ${alike.length}`;
  return { ...judgement, sentence: `${which}: ${judgement.sentence}` };
}

function judgeEmpty({ fleet, addSecret }: FleetStatus): Judgement {
  const sentence = `Tag a secret, or make one: none has the tag ${formatTag(fleet.tag)}, so nothing is kept. AWS may list a new tag five minutes late.`;
  return {
    exitCode: EXIT.attention,
    sentence,
    brief: 'tag a secret',
    commands: addSecret,
    runbook: toRunbookEntry('SweepSilent'),
  };
}
