import { type Claimed, type NotAttempted, previewClaim } from './claim.ts';
import type { Context } from './context.ts';
import { decide } from './decide.ts';
import type { Snapshot } from './load.ts';
import { NOT_CONFIGURED, SETTLES, UNSAVED } from './messages.ts';
import type { Result } from './result.ts';
import { toRfc3339 } from './rfc3339.ts';
import { RunReport } from './run-report.ts';

/** What a refresh would do now, in this execution environment. Reads only. @throws Fault for a secret that cannot be used */
export async function status(context: Context): Promise<Result> {
  const report = new RunReport(context);
  try {
    const snapshot = await report.load();
    if (snapshot === undefined) return report.toResult('status', NOT_CONFIGURED, { decision: 'not-configured' });
    const isAnswerInMemory = context.memory.unsaved?.parent.key === snapshot.current.key;
    if (isAnswerInMemory) return report.toResult('status', UNSAVED, { decision: 'settle' });
    const decision = await lookAhead(context, report, snapshot);
    if (decision.kind === 'spent') return report.toResult('status', SETTLES, { decision: 'settle' });
    if (decision.kind === 'rejected') report.noteFailure(decision.failure);
    const kind = decision.kind === 'claimed' ? 'attempt' : decision.kind;
    const retryAt = decision.kind === 'waiting' ? { retryAt: toRfc3339(decision.retryAtMs) } : {};
    const message = `A refresh now would decide: ${kind}. Nothing was sent or changed.`;
    return report.toResult('status', message, { decision: kind, ...retryAt });
  } finally {
    report.recordStates();
  }
}

async function lookAhead(context: Context, report: RunReport, snapshot: Snapshot): Promise<Claimed | NotAttempted> {
  if (snapshot.successor) return { kind: 'spent', successor: snapshot.successor };
  const situation = report.toSituation(snapshot, false);
  const decided = decide(situation);
  return decided.kind === 'attempt' ? await previewClaim(context, situation, decided) : decided;
}
