import { setTimeout as sleep } from 'node:timers/promises';
import { type Fleet, startFleet } from '../sandbox/fleet.ts';
import { type Sandbox, startSandbox } from '../sandbox/sandbox.ts';
import { Choices } from '../support/choices.ts';

const ACCOUNTS = 12;
const HOURS_PER_TICK = 4;
/** Ticks without kills after which every account must have a fresh token. */
const CALM_TICKS = 3;
const HOUR_SECONDS = 3_600;
/** Longer than all ticks take, so that the server answers a used refresh token again. */
const GRACE_SECONDS = 86_400;

export interface FleetChaosReport {
  readonly ticks: number;
  readonly kills: number;
  readonly posts: number;
  /** Broken promises, each as a sentence. */
  readonly broken: readonly string[];
}

/**
 * Runs the two functions of a fleet as processes, and kills them at random moments. The queue duplicates messages. Messages of
 * killed runs come again a tick later, hours late by the clocks of the functions and of AWS.
 */
export async function runFleetChaos(
  ticks: number,
  seed: number,
  /** Breaks AWS, to show that the chaos would report it. */
  sabotage: (aws: Sandbox['aws']) => void = () => {},
): Promise<FleetChaosReport> {
  const choices = Choices.fromSeed(seed);
  await using sandbox = await startSandbox({
    kind: 'rotation',
    graceSeconds: GRACE_SECONDS,
    aws: { sqs: { duplicates: 0.3, random: () => choices.next(1_000) / 1_000 } },
  });
  sabotage(sandbox.aws);
  const fleet = await startFleet(sandbox);
  const names = Array.from({ length: ACCOUNTS }, (_, index) => `retently/account-${index}`);
  for (const name of names) fleet.add(name, await sandbox.mintCredentials());
  let kills = 0;
  for (let tick = 1; tick <= ticks + CALM_TICKS; tick++) {
    const isCalm = tick > ticks;
    const [, killed] = await Promise.all([
      playTick(sandbox, fleet, tick * HOURS_PER_TICK * HOUR_SECONDS),
      isCalm ? 0 : killSome(sandbox, choices),
    ]);
    kills += killed;
  }
  const broken = await Promise.all(names.map((name) => judge(sandbox, fleet, name)));
  return { ticks, kills, posts: sandbox.tokenEndpoint.requests.length, broken: broken.flat() };
}

/** Plays one tick, so many seconds later. */
async function playTick(sandbox: Sandbox, fleet: Fleet, seconds: number): Promise<void> {
  await sandbox.ago(-seconds, async () => {
    sandbox.aws.sqs.release();
    await fleet.tick({ clockOffsetMs: seconds * 1_000 });
  });
}

/** Kills a few processes while a tick is under way. @returns how many */
async function killSome({ processes }: Sandbox, choices: Choices): Promise<number> {
  const kills = 1 + choices.next(4);
  for (let kill = 0; kill < kills; kill++) {
    await sleep(choices.next(400));
    await processes.at(-1 - choices.next(Math.min(5, processes.length)))?.kill();
  }
  return kills;
}

async function judge({ authorizationServer }: Sandbox, fleet: Fleet, name: string): Promise<string[]> {
  const { access_token: accessToken, refreshed_at: refreshedAt } = fleet.read(name);
  if (typeof accessToken !== 'string' || !(await authorizationServer.isAccessTokenLive(accessToken)))
    return [`${name} has no live access token after ${CALM_TICKS} ticks without kills.`];
  return typeof refreshedAt === 'string' ? [] : [`${name} has lost members of its document.`];
}
