import { type Claimed, foresee, type NotAttempted } from './claim.ts';
import type { Context } from './context.ts';
import { decide } from './decide.ts';
import type { View } from './load.ts';
import { NOT_CONFIGURED, SETTLES, UNSAVED } from './messages.ts';
import type { Result } from './result.ts';
import { Knowledge } from './run-report.ts';
import { instant } from './token-members.ts';

/** What a refresh would do now, in this execution environment. Reads only. @throws Fault for a secret that cannot be used */
export async function status(context: Context): Promise<Result> {
  const known = new Knowledge(context);
  try {
    const view = await known.load();
    if (view === undefined) return known.result('status', NOT_CONFIGURED, { decision: 'not-configured' });
    const isAnswerInMemory = context.memory.unsaved?.parent.key === view.current.key;
    if (isAnswerInMemory) return known.result('status', UNSAVED, { decision: 'settle' });
    const decision = await lookAhead(context, known, view);
    if (decision.kind === 'spent') return known.result('status', SETTLES, { decision: 'settle' });
    if (decision.kind === 'rejected') known.noteFailure(decision.failure);
    const kind = decision.kind === 'claimed' ? 'attempt' : decision.kind;
    const retryAt = decision.kind === 'waiting' ? { retryAt: instant(decision.retryAtMs) } : {};
    const message = `A refresh now would decide: ${kind}. Nothing was sent or changed.`;
    return known.result('status', message, { decision: kind, ...retryAt });
  } finally {
    known.recordStates();
  }
}

async function lookAhead(context: Context, known: Knowledge, view: View): Promise<Claimed | NotAttempted> {
  if (view.successor) return { kind: 'spent', successor: view.successor };
  const situation = known.situation(view, false);
  const decided = decide(situation);
  return decided.kind === 'attempt' ? await foresee(context, situation, decided) : decided;
}
