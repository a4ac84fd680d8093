import { JOURNAL_STAGE } from '../../lambda/contract.ts';
import type { Context } from '../../lambda/core/context.ts';
import { nameOf } from '../../lambda/core/fault.ts';
import type { Version } from '../../lambda/core/ports.ts';
import { status } from '../../lambda/core/status.ts';
import { SECRET_ID } from './invariants.ts';
import { SETTINGS } from './simulated-run.ts';
import { Silence, type World } from './world.ts';

/** Endings that a refresh may have after the forecast of `status`, if nothing happens in between. */
const ENDS: { readonly [decision: string]: readonly string[] } = {
  fresh: ['fresh'],
  busy: ['busy'],
  waiting: ['waiting'],
  rejected: ['REAUTHORIZATION_REQUIRED', 'CLIENT_REJECTED'],
  attempt: ['refreshed', 'REAUTHORIZATION_REQUIRED', 'CLIENT_REJECTED'],
  // What follows after the promotion depends on the promoted token.
  settle: ['adopted', 'refreshed', 'busy', 'waiting', 'REAUTHORIZATION_REQUIRED'],
};

/** Returns what `status` reports now: its decision, or the code of its fault. No call can fail, and no time passes. */
export async function forecast(world: World): Promise<string> {
  try {
    const { decision } = await status(onlooker(world));
    return decision ?? 'nothing';
  } catch (error) {
    return nameOf(error);
  }
}

export function holdsTrue(forecasted: string, outcome: string): boolean {
  return ENDS[forecasted]?.includes(outcome) ?? outcome === forecasted;
}

/** `status` may look; whatever else it tried would throw. */
function onlooker({ secretsManager, nowMs }: World): Context {
  const look = async (which: { stage: string } | { versionId: string }): Promise<Version | undefined> => {
    const version = secretsManager.peek(SECRET_ID, which);
    return (
      version && { versionId: version.id, createdAt: version.createdAtMs, secretString: version.value.SecretString }
    );
  };
  const never = (): never => {
    throw new Error('status reads only');
  };
  return {
    settings: SETTINGS,
    store: {
      readCurrent: () => look({ stage: 'AWSCURRENT' }),
      readLatestEntry: () => look({ stage: JOURNAL_STAGE }),
      readPrevious: () => look({ stage: 'AWSPREVIOUS' }),
      readVersion: (versionId) => look({ versionId }),
      listVersions: async () =>
        secretsManager.peekAll(SECRET_ID).map(({ id, createdAtMs }) => ({ versionId: id, createdAt: createdAtMs })),
      putVersion: never,
      promote: never,
    },
    tokenEndpoint: { requestToken: never },
    events: { publish: never },
    runtime: { now: () => nowMs, remainingMs: () => 60_000, sleep: never, random: never, nonce: never },
    telemetry: new Silence(),
    memory: {},
  };
}
