import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { evaluatePolicy, type Permission } from '../infra/evaluate-policy.ts';
import { type Aws, startAws } from '../sandbox/aws/aws-server.ts';
import { type LoopbackServer, startLoopbackServer } from '../sandbox/loopback-server.ts';
import { AGENT_EXAMPLE, DESCRIBE, EXAMPLES, GET, policyOf, ZSH_EXAMPLES } from './examples.ts';
import { startAgent } from './secrets-manager-agent.ts';

const TOKEN_SECRET = 'RetentlyToken';
const CREDENTIALS_SECRET = 'RetentlyCredentials';
const requestSchema = z.object({ VersionStage: z.string().optional(), VersionId: z.string().optional() });

let aws: Aws;
let agent: LoopbackServer;
let retently: LoopbackServer;
let permissions: readonly Permission[] = [];
let used: Set<string>;
/** Access token that Retently accepts. */
let alive: string;
/** Bearer tokens of the requests that came to Retently. */
let sent: string[];
/** Offset of the agent's clock. */
let aheadMs: number;

beforeEach(async () => {
  [used, sent, alive, aheadMs] = [new Set(), [], 'one', 0];
  aws = await startAws({
    authorize: ({ action, resource, input }) => {
      const permission = evaluatePolicy(permissions, { action, resource, keys: keysOf(input) });
      if (permission !== undefined) used.add(permission.action);
      return permission !== undefined;
    },
  });
  const { secretsManager } = aws;
  for (const Name of [TOKEN_SECRET, CREDENTIALS_SECRET]) {
    secretsManager.createSecret({ Name, SecretString: JSON.stringify({ access_token: 'one' }) });
  }
  agent = await startAgent(aws.url, () => Date.now() + aheadMs);
  retently = await startLoopbackServer(({ headers }, response) => {
    sent.push((headers.authorization ?? '').replace('Bearer ', ''));
    response.writeHead(sent.at(-1) === alive ? 200 : 401).end('{}');
  });
});

afterEach(async () => {
  await Promise.all([aws.close(), agent.close(), retently.close()]);
});

function keysOf(input: object): Record<string, string> {
  const { VersionStage, VersionId } = requestSchema.parse(input);
  return {
    ...(VersionStage === undefined ? {} : { 'secretsmanager:versionstage': VersionStage }),
    ...(VersionId === undefined ? {} : { 'secretsmanager:versionid': VersionId }),
  };
}

function environment(secretId = TOKEN_SECRET): object {
  return {
    AWS_ENDPOINT_URL_SECRETS_MANAGER: aws.url,
    AWS_AGENT: agent.url,
    AWS_TOKEN_FILE: 'token',
    TOKEN_SECRET_ID: secretId,
    RETENTLY: retently.url,
  };
}

/** Simulates a refresh after which Retently immediately revokes the old token. */
function rotate(): void {
  alive = 'two';
  aws.secretsManager.putSecretValue({ SecretId: TOKEN_SECRET, SecretString: JSON.stringify({ access_token: 'two' }) });
}

describe.each([...EXAMPLES, ...ZSH_EXAMPLES])(
  'the example for $name',
  ({ isRun, policy, actions, hasCache, namesStage, start }) => {
    it.skipIf(!isRun)(
      `reads the token under its policy, keeps it, and reads past its cache on a 401${isRun ? '' : ' (SKIPPED: not installed here)'}`,
      async () => {
        permissions = policyOf(policy);
        await using consumer = start(environment());
        expect(await consumer.callRetently()).toBe('200');
        expect(aws.calls.map(({ operation }) => `secretsmanager:${operation}`)).toEqual(actions);
        expect(await consumer.callRetently()).toBe('200');
        expect(aws.calls).toHaveLength(hasCache ? actions.length : 2 * actions.length);
        rotate();
        expect(await consumer.callRetently()).toBe('200');
        expect(sent).toEqual(hasCache ? ['one', 'one', 'one', 'two'] : ['one', 'one', 'two']);
        expect([...used].sort()).toEqual([...actions].sort());
      },
    );

    it.skipIf(!isRun)(`fails after a second 401${isRun ? '' : ' (SKIPPED: not installed here)'}`, async () => {
      permissions = policyOf(policy);
      alive = 'none of ours';
      await using consumer = start(environment());
      expect(await consumer.callRetently()).toMatch(/^failed: /);
      expect(sent).toEqual(['one', 'one']);
    });

    it.skipIf(!isRun)(`sends nothing if it may not read${isRun ? '' : ' (SKIPPED: not installed here)'}`, async () => {
      permissions = policyOf(policy);
      await using consumer = start(environment(CREDENTIALS_SECRET));
      expect(await consumer.callRetently()).toMatch(/^failed: ./);
      expect(sent).toEqual([]);
    });

    it.skipIf(!isRun)(
      `sends nothing if there is no token yet${isRun ? '' : ' (SKIPPED: not installed here)'}`,
      async () => {
        permissions = policyOf(policy);
        aws.secretsManager.putSecretValue({ SecretId: TOKEN_SECRET, SecretString: '{}' });
        await using consumer = start(environment());
        expect(await consumer.callRetently()).toMatch(/^failed: ./);
        expect(sent).toEqual([]);
      },
    );

    it.skipIf(!isRun)(
      `with only one secret, is denied until it names the label${isRun ? '' : ' (SKIPPED: not installed here)'}`,
      async () => {
        permissions = policyOf('interim');
        await using unchanged = start(environment(CREDENTIALS_SECRET));
        expect(await unchanged.callRetently()).toMatch(/^failed: ./);
        expect(sent).toEqual([]);
        if (namesStage === undefined) return;
        const [text, instead] = namesStage;
        await using changed = start(environment(CREDENTIALS_SECRET), (example) => {
          expect(example.split(text)).toHaveLength(2);
          return example.replace(text, () => instead);
        });
        expect(await changed.callRetently()).toBe('200');
      },
    );
  },
);

describe.skipIf(!AGENT_EXAMPLE.isRun)(
  `the agent, once its value is 300 seconds old${AGENT_EXAMPLE.isRun ? '' : ' (SKIPPED: curl or jq is not installed here)'}`,
  () => {
    const { start, namesStage } = AGENT_EXAMPLE;

    it('asks which version has the label, and so uses the rest of its policy', async () => {
      permissions = policyOf('caching');
      await using consumer = start(environment());
      expect(await consumer.callRetently()).toBe('200');
      aheadMs = 300_000;
      expect(await consumer.callRetently()).toBe('200');
      expect(aws.calls.map(({ operation }) => `secretsmanager:${operation}`)).toEqual([GET, DESCRIBE]);
      expect([...used].sort()).toEqual([DESCRIBE, GET]);
    });

    it('brings the new token if the label has moved', async () => {
      permissions = policyOf('caching');
      await using consumer = start(environment());
      await consumer.callRetently();
      rotate();
      aheadMs = 300_000;
      expect(await consumer.callRetently()).toBe('200');
      expect(sent).toEqual(['one', 'two']);
    });

    it.each([
      ['is denied by the policy for only one secret', 'interim', /^failed: ./],
      ['is allowed with the second statement', 'interim agent', /^200$/],
    ])('%s', async (_, policy, ending) => {
      permissions = policyOf(policy);
      const [text = '', instead = ''] = namesStage ?? [];
      await using consumer = start(environment(CREDENTIALS_SECRET), (example) => example.replace(text, () => instead));
      expect(await consumer.callRetently()).toBe('200');
      aheadMs = 300_000;
      expect(await consumer.callRetently()).toMatch(ending);
    });
  },
);
