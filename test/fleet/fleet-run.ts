import { LEASE_OVER_TIMEOUT_SECONDS } from '../../lambda/contract.ts';
import type { Memory } from '../../lambda/core/context.ts';
import { refresh } from '../../lambda/core/refresh.ts';
import { FakeTelemetry } from '../support/fake-telemetry.ts';
import { DEPLOYED } from './deployed-fleet.ts';
import type { FleetAccount, FleetWorld } from './fleet-account.ts';
import type { FleetCalendar } from './fleet-calendar.ts';
import { EndpointWithOutage } from './provider-outage.ts';

export const CRASHED = Symbol();

/** Settings that all secrets of the simulation share. */
export const FLEET_SETTINGS = {
  tokenEndpointUrl: 'https://retently.invalid/api/oauth/token',
  defaultTokenLifetimeSeconds: 21_600,
  scheduleSeconds: 60 * DEPLOYED.tickMinutes,
};

const NEVER = Number.POSITIVE_INFINITY;
let nonces = 0;

/**
 * One run of the real core.
 *
 * @throws `CRASHED` if the run is killed at one of its calls; whatever the core throws
 */
export async function runFleetAccount(
  world: FleetWorld,
  { secret, server, failure }: FleetAccount,
  memory: Memory,
  calendar: FleetCalendar,
  endsAtMs: number,
): Promise<void> {
  const { timeline, random } = world;
  // One run in five, at one of its first six calls.
  let callsLeft = failure === 'crash' && random(0, 5) < 1 ? Math.floor(random(0, 6)) : NEVER;
  await new Promise<void>((resolve, reject) => {
    secret.beforeCall = async () => {
      if (callsLeft-- > 0) return;
      reject(CRASHED);
      await new Promise<never>(() => undefined);
    };
    refresh(
      {
        settings: {
          secretId: 'Fleet',
          ...FLEET_SETTINGS,
          leaseSeconds: DEPLOYED.timeoutSeconds + LEASE_OVER_TIMEOUT_SECONDS,
          forceEvent: 'Force',
        },
        store: secret,
        tokenEndpoint: new EndpointWithOutage(world, calendar, server),
        events: { publish: async () => await timeline.wait(random(20, 50)) },
        telemetry: new FakeTelemetry(),
        runtime: {
          now: () => timeline.nowMs,
          remainingMs: () => endsAtMs - timeline.nowMs,
          sleep: async (milliseconds) => await timeline.wait(milliseconds),
          random: () => random(0, 1),
          nonce: () => `nonce-${nonces++}`,
        },
        memory,
      },
      { force: false },
    ).then(() => resolve(), reject);
  });
}
