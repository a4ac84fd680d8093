import type { Version } from '../../lambda/core/ports.ts';
import { Choices } from '../support/choices.ts';
import { SECRET_ID } from './invariants.ts';
import { PROVIDER_KINDS, type ProviderKind, TOKEN_LIFE_MS } from './provider.ts';
import { type Environment, SimulatedRun } from './simulated-run.ts';
import { type Policy, Silence, World } from './world.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const TICK_MS = 10 * MINUTE_MS;
/** Time from a notification to a new grant in the secret. */
const HUMAN_MS = HOUR_MS;
const DAY_MS = 24 * HOUR_MS;
const LOST = 'The answer may be lost.';

/** When a refresh token whose answer may be lost is sent again. */
export type ReplayPolicy =
  /** In the same run, at most twice: the function's own policy. */
  | 'immediately'
  /** In the last hour of the access token's lifetime. */
  | 'in the last hour'
  /** After the access token has expired. */
  | 'after it has expired'
  /** After the access token has expired; a person is notified as soon as an answer may be lost. */
  | 'a human instead';

const REPLAY_POLICIES: readonly ReplayPolicy[] = [
  'immediately',
  'in the last hour',
  'after it has expired',
  'a human instead',
];

/** Result of one request that is lost on its way there, or whose answer is lost on its way back. */
export type Loss = 'the request' | 'the answer';

export interface DeadMinutes {
  /** Minutes of the next day in which a consumer that reads AWSCURRENT gets an invalid access token. */
  readonly deadMinutes: number;
  /** Number of authorizations by a person. */
  readonly authorizations: number;
}

/**
 * Plays one day of ticks. The first refresh that is due, at half of an access token's lifetime, is lost, and everything else
 * works. A person who is notified authorizes within an hour.
 */
export async function countDeadMinutes(kind: ProviderKind, loss: Loss, policy: ReplayPolicy): Promise<DeadMinutes> {
  const choices = Choices.replay([]);
  const world = new World(choices, kind, { policy: toPolicy(policy) });
  const { secretsManager, provider, witness, labels, faults } = world;
  const environment: Environment = { memory: {}, handed: [], isBusy: false, timeoutMs: 60_000 };
  const put = (members: object) => {
    const text = secretsManager.peek(SECRET_ID, { stage: 'AWSCURRENT' })?.value.SecretString ?? '{}';
    secretsManager.putSecretValue({
      SecretId: SECRET_ID,
      SecretString: JSON.stringify({ ...JSON.parse(text), ...members }),
    });
    labels.note();
    witness.afterOperator();
  };
  secretsManager.createSecret({ Name: SECRET_ID });
  put({ client_id: 'id', client_secret: 'secret', refresh_token: provider.authorize() });

  let isCalled = false;
  let authorizations = 0;
  const startMs = world.nowMs;
  for (let tick = 0; tick * TICK_MS < DAY_MS; tick++) {
    world.at(startMs + tick * TICK_MS, () => {
      const run = new SimulatedRun(world, tick + 1, environment, false, 0);
      void run.play(run.context(new Silence())).then((outcome) => {
        const isLost = policy === 'a human instead' && outcome === 'PROVIDER_UNAVAILABLE';
        if (isCalled || !(isLost || outcome === 'REAUTHORIZATION_REQUIRED')) return;
        isCalled = true;
        world.at(world.nowMs + HUMAN_MS, () => {
          isCalled = false;
          authorizations++;
          put({ refresh_token: provider.authorize() });
        });
      });
    });
  }
  world.at(startMs + TOKEN_LIFE_MS / 2 - TICK_MS / 2, () => faults.willLose(loss));
  let deadMinutes = 0;
  for (let minute = 0; minute * MINUTE_MS < DAY_MS; minute++) {
    await world.play(startMs + minute * MINUTE_MS);
    if (witness.isBearerDead(world.nowMs)) deadMinutes++;
  }
  return { deadMinutes, authorizations };
}

/** Returns another policy, made of the function's own by what its ports say. */
function toPolicy(policy: ReplayPolicy): Policy | undefined {
  if (policy === 'immediately') return undefined;
  const restMs = policy === 'in the last hour' ? HOUR_MS : 0;
  return (ports, world) => {
    const { store, tokenEndpoint } = ports;
    // A failure seems to have happened just now, as long as the access token is valid for longer than that.
    const asNew = (version: Version | undefined) =>
      version?.secretString?.includes('/failure"') && !world.witness.isBearerDead(world.nowMs + restMs)
        ? { ...version, createdAt: world.nowMs }
        : version;
    return {
      ...ports,
      tokenEndpoint: {
        requestToken: async (grant, timeoutMs) => {
          const answer = await tokenEndpoint.requestToken(grant, timeoutMs);
          // An answer that ends the run without a replay.
          return answer.kind === 'ambiguous' ? { kind: 'misdirected', reason: LOST } : answer;
        },
      },
      store: {
        readCurrent: () => store.readCurrent(),
        readLatestEntry: async () => asNew(await store.readLatestEntry()),
        readPrevious: () => store.readPrevious(),
        readVersion: async (versionId) => asNew(await store.readVersion(versionId)),
        putVersion: (versionId, secretString) => store.putVersion(versionId, secretString),
        promote: (versionId, expectedVersionId) => store.promote(versionId, expectedVersionId),
        listVersions: () => store.listVersions(),
      },
    };
  };
}

/** A table, a row for each kind of server and each loss. */
export async function reportDeadMinutes(): Promise<string> {
  const rows = [
    `| server | lost | ${REPLAY_POLICIES.join(' | ')} |`,
    `|---|---|${'---|'.repeat(REPLAY_POLICIES.length)}`,
  ];
  for (const kind of PROVIDER_KINDS) {
    for (const loss of ['the request', 'the answer'] as const) {
      const cells: string[] = [];
      for (const policy of REPLAY_POLICIES) {
        const { deadMinutes, authorizations } = await countDeadMinutes(kind, loss, policy);
        cells.push(`${deadMinutes} min, ${authorizations} authorizations`);
      }
      rows.push(`| ${kind} | ${loss} | ${cells.join(' | ')} |`);
    }
  }
  return rows.join('\n');
}
