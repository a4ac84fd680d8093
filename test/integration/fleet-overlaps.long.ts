import { describe, expect, test } from 'vitest';
import { renderMessage } from '../../lambda/fleet/fleet-event.ts';
import { FLEET_TAG, startFleet } from '../sandbox/fleet.ts';
import type { InvokeOptions } from '../sandbox/lambda/lambda-process.ts';
import { type Sandbox, SECRET_ID } from '../sandbox/sandbox.ts';
import { inFleet } from './many-secrets.ts';

const HOUR_MS = 3_600_000;

/**
 * Runs `act` every four hours, when a token of six hours is due again. AWS and the functions share one clock, because the age of a
 * claim is judged by it.
 */
async function everyFourHours(
  times: number,
  sandbox: Sandbox,
  act: (options: InvokeOptions) => Promise<void>,
): Promise<void> {
  for (let round = 1; round <= times; round++) {
    const ago = (times - round) * 4 * HOUR_MS;
    await sandbox.ago(ago / 1000, () => act({ clockOffsetMs: -ago }));
  }
}

describe('one secret of a fleet', () => {
  test('can also be in the stack of one account: neither uses a token that the other has used', async () => {
    await inFleet(async (fleet, sandbox) => {
      const { secretsManager, sqs } = sandbox.aws;
      secretsManager.tagResource({ SecretId: SECRET_ID, Tags: [FLEET_TAG] });
      sandbox.putCredentials(await sandbox.mintCredentials());
      const single = await sandbox.startFunction();
      await everyFourHours(5, sandbox, async (options) => {
        await fleet.sweep(options);
        sqs.send(renderMessage(secretsManager.arnOf(SECRET_ID)));
        await Promise.all([fleet.refresh.drain(options), single.invoke({}, options)]);
        await single.invoke({}, options);
      });
      const spent = sandbox.tokenEndpoint.requests.map(({ form }) => form['refresh_token']);
      expect(new Set(spent).size).toBe(spent.length);
      expect(spent).toHaveLength(5);
      const { access_token: token } = fleet.read(SECRET_ID);
      expect(await sandbox.authorizationServer.isAccessTokenLive(String(token))).toBe(true);
    });
  });

  test('can be in two fleets with one tag', async () => {
    await inFleet(async (fleet, sandbox) => {
      const credentials = await sandbox.mintCredentials();
      await sandbox.ago((24 * HOUR_MS) / 1000, async () => fleet.add('one', credentials));
      const other = await startFleet(sandbox);
      await everyFourHours(4, sandbox, async (options) => {
        await Promise.all([fleet.sweep(options), other.sweep(options)]);
        await Promise.all([fleet.refresh.drain(options), other.refresh.drain(options)]);
        await other.tick(options);
      });
      const spent = sandbox.tokenEndpoint.requests.map(({ form }) => form['refresh_token']);
      expect(new Set(spent).size).toBe(spent.length);
      expect(spent).toHaveLength(4);
    });
  });
});
