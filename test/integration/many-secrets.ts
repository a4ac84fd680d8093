import { expect } from 'vitest';
import { FLEET_TAG, type Fleet, startFleet } from '../sandbox/fleet.ts';
import { type Sandbox, type SandboxOptions, startSandbox } from '../sandbox/sandbox.ts';
import { expectNoLeak } from '../support/in-sandbox.ts';

/** Runs `act` with a fleet in its own sandbox, and checks that no secret leaked (invariant I5). */
export async function inFleet(
  act: (fleet: Fleet, sandbox: Sandbox) => Promise<void>,
  options: SandboxOptions = {},
): Promise<void> {
  await using sandbox = await startSandbox(options);
  await act(await startFleet(sandbox), sandbox);
  await expectNoLeak(sandbox);
}

/** Expects one sweep to refresh `count` secrets, of which one in five is broken, and the next one to find them fresh. */
export async function expectAllKept(count: number): Promise<void> {
  await inFleet(
    async (fleet, sandbox) => {
      const { aws, authorizationServer } = sandbox;
      const isHealthy = (index: number) => index % 5 !== 4;
      const names = Array.from({ length: count }, (_, index) => `retently/account-${index}`);
      for (const [index, name] of names.entries()) {
        const broken = BROKEN[isHealthy(index) ? -1 : Math.floor(index / 5) % BROKEN.length];
        fleet.add(name, broken ? broken(await sandbox.mintCredentials()) : await sandbox.mintCredentials());
      }
      // A secret without the tag, and one of a fleet whose tag has the same beginning.
      const other = { SecretString: '{"user":"root"}', Tags: [{ ...FLEET_TAG, Value: `${FLEET_TAG.Value}-2` }] };
      aws.secretsManager.createSecret({ Name: 'other', ...other });

      expect(await fleet.tick()).toMatchObject({
        kind: 'result',
        result: { listed: count, queued: expect.any(Number) },
      });
      for (const [index, name] of names.entries()) {
        const { access_token: token } = fleet.read(name);
        if (isHealthy(index)) expect(await authorizationServer.isAccessTokenLive(String(token)), name).toBe(true);
        else expect(token, name).toBeUndefined();
      }
      expect(aws.sqs.size).toBe(0);
      expect(aws.sqs.deadLetters).toEqual([]);
      expect(fleet.refresh.mostAtOnce).toBeLessThanOrEqual(4);
      const touched = aws.calls.filter(({ input }) => JSON.stringify(input).includes(':secret:other-'));
      expect(touched).toEqual([]);

      // The next tick: all are fresh, with two reads each. No rejected token is sent again.
      const posts = sandbox.tokenEndpoint.requests.length;
      aws.calls.length = 0;
      await fleet.tick();
      expect(sandbox.tokenEndpoint.requests).toHaveLength(posts);
      const puts = aws.calls.filter(({ operation }) => operation === 'PutSecretValue');
      expect(puts).toEqual([]);
    },
    { aws: { sqs: { duplicates: 0.05 } } },
  );
}

type Credentials = Awaited<ReturnType<Sandbox['mintCredentials']>>;

/** Values of the damaged secrets. */
const BROKEN: readonly ((credentials: Credentials) => object | undefined)[] = [
  (credentials) => ({ ...credentials, refresh_token: 'never-issued' }),
  (credentials) => ({ ...credentials, client_secret: 'wrong' }),
  ({ client_id }) => ({ client_id }),
  () => ({ user: 'root' }),
  () => undefined,
];
