import { toRunbookEntry } from '../../lambda/contract.ts';
import type { Fleet } from '../aws/deployment.ts';
import { formatTag } from '../aws/fleet-tag.ts';
import { tagCommand } from '../aws/tag-command.ts';
import { EXIT } from '../command-error.ts';
import type { CommonOptions } from '../options.ts';
import { commandFor } from './account.ts';
import type { FleetStatus } from './fleet-status.ts';
import { type Judgement, judgeAlarms, judgeSchedule } from './judge.ts';
import { type JudgedAccount, nameOfSecret } from './rank.ts';

/** A pure function of all that is known: what concerns most secrets comes first. */
export function judgeFleet({ fleet, secrets, watch }: FleetStatus, options: CommonOptions): Judgement {
  if (typeof secrets === 'string') return { exitCode: EXIT.unable, sentence: secrets, brief: secrets };
  const [worst] = secrets;
  if (worst === undefined) return judgeEmpty(fleet, options);
  const ofWorst = judgeWorst(worst, secrets);
  const disabled = judgeSchedule(watch, true);
  if (disabled !== undefined) return disabled;
  if (ofWorst.exitCode === EXIT.attention) return ofWorst;
  const alarmed = judgeAlarms(watch);
  if (alarmed !== undefined) return alarmed;
  if (ofWorst.exitCode === EXIT.unable) return ofWorst;
  const [problem] = watch.problems;
  if (problem === undefined) return { exitCode: EXIT.done, sentence: 'Nothing.', brief: 'nothing' };
  const sentence = `The tokens are fine, but not everything could be seen. ${problem}`;
  return { exitCode: EXIT.unable, sentence, brief: 'nothing' };
}

function judgeWorst({ account, judgement }: JudgedAccount, ranked: readonly JudgedAccount[]): Judgement {
  const alike = ranked.filter((each) => each.judgement.exitCode === judgement.exitCode);
  const which = alike.length === 1 ? nameOfSecret(account) : `${nameOfSecret(account)}, the first of ${alike.length}`;
  return { ...judgement, sentence: `${which}: ${judgement.sentence}` };
}

function judgeEmpty(fleet: Fleet, options: CommonOptions): Judgement {
  const { tag } = fleet;
  const sentence = `Tag a secret, or make one: none has the tag ${formatTag(tag)}, so nothing is kept. AWS may list a new tag five minutes late.`;
  const secret = { name: '<name>', arn: '' };
  const commands = [
    tagCommand(secret.name, tag, options),
    commandFor('authorize', { deployment: fleet, secret }, options),
  ];
  return {
    exitCode: EXIT.attention,
    sentence,
    brief: 'tag a secret',
    commands,
    runbook: toRunbookEntry('SweepSilent'),
  };
}
