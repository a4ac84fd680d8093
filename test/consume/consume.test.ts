import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { optionsSchema } from '../../infra/options/schema.ts';
import { dueAfterSeconds } from '../../lambda/contract.ts';
import { evaluatePolicy, type Permission, parsePolicy } from '../infra/evaluate-policy.ts';
import { type Aws, startAws } from '../sandbox/aws/aws-server.ts';
import { type LoopbackServer, startLoopbackServer } from '../sandbox/loopback-server.ts';
import { blocksOf, readDocument } from '../support/markdown.ts';
import { Consumer } from './consumer.ts';
import { AGENT_TOKEN, startAgent } from './secrets-manager-agent.ts';

vi.setConfig({ testTimeout: 30_000 });

const PAGE = readDocument('docs/consume.md');
const TOKEN_SECRET = 'RetentlyToken';
const CREDENTIALS_SECRET = 'RetentlyCredentials';
const ARNS = {
  '<TokenSecretArn>': 'arn:aws:secretsmanager:us-east-1:000000000000:secret:RetentlyToken-AbCdEf',
  '<SecretArn>': 'arn:aws:secretsmanager:us-east-1:000000000000:secret:RetentlyCredentials-AbCdEf',
};
const requestSchema = z.object({ VersionStage: z.string().optional(), VersionId: z.string().optional() });

const runs = (command: string, ...args: string[]) => spawnSync(command, args, { stdio: 'ignore' }).status === 0;
const HAS_BOTO3 = runs('python3', '-c', 'import boto3');
const HAS_CACHING = runs('python3', '-c', 'import aws_secretsmanager_caching');
const HAS_SHELL = runs('bash', '-c', 'command -v curl jq');
const HAS_CLI = HAS_SHELL && runs('aws', '--version');

const RUN_TYPESCRIPT = `import { createInterface } from 'node:readline';
import { callRetently } from './example.ts';
for await (const _ of createInterface({ input: process.stdin })) {
  console.log(await callRetently(process.env.RETENTLY).then(({ status }) => status, (error) => \`failed: \${error.message}\`));
}
`;
const RUN_PYTHON = `
import sys
for _ in sys.stdin:
    try:
        call_retently(os.environ["RETENTLY"])
        print(200, flush=True)
    except Exception as error:
        print(f"failed: {error}", flush=True)
`;
/** The AWS CLI 1 does not heed the variable that leads other tools to the stand-in. */
const RUN_SHELL = `
aws() { command aws --endpoint-url "$AWS_ENDPOINT_URL_SECRETS_MANAGER" "$@"; }
while read -r _; do call_retently "$RETENTLY" answer 2>why && echo 200 || echo "failed: $(cat why)"; done
`;

interface Example {
  readonly name: string;
  readonly isRun: boolean;
  readonly policy: string;
  /** Reads of the token secret for one call, with nothing cached. */
  readonly actions: readonly string[];
  readonly hasCache: boolean;
  start(environment: object): Consumer;
}

const typescript = (environment: object) =>
  new Consumer(
    { 'example.ts': blockOf('ts'), 'run.mjs': RUN_TYPESCRIPT, 'package.json': '{"type":"module"}' },
    [process.execPath, '--import', 'tsx', 'run.mjs'],
    environment,
  );
const python = (language: string) => (environment: object) =>
  new Consumer({ 'example.py': blockOf(language) + RUN_PYTHON }, ['python3', 'example.py'], environment);
const shell = (language: string) => (environment: object) =>
  new Consumer(
    { 'example.sh': blockOf(language) + RUN_SHELL, token: AGENT_TOKEN },
    ['bash', 'example.sh'],
    environment,
  );

const GET = 'secretsmanager:GetSecretValue';
const DESCRIBE = 'secretsmanager:DescribeSecret';
const EXAMPLES: readonly Example[] = [
  {
    name: 'TypeScript, with Powertools',
    isRun: true,
    policy: 'read',
    actions: [GET],
    hasCache: true,
    start: typescript,
  },
  {
    name: 'Python, with boto3',
    isRun: HAS_BOTO3,
    policy: 'read',
    actions: [GET],
    hasCache: true,
    start: python('python'),
  },
  {
    name: "Python, with AWS's caching library",
    isRun: HAS_CACHING,
    policy: 'caching',
    actions: [DESCRIBE, GET],
    hasCache: true,
    start: python('python caching'),
  },
  { name: 'the AWS CLI', isRun: HAS_CLI, policy: 'read', actions: [GET], hasCache: false, start: shell('bash') },
  {
    name: 'curl, through a stand-in of the Secrets Manager Agent',
    isRun: HAS_SHELL,
    policy: 'caching',
    actions: [DESCRIBE, GET],
    hasCache: true,
    start: shell('bash agent'),
  },
];

let aws: Aws;
let agent: LoopbackServer;
let retently: LoopbackServer;
let permissions: readonly Permission[] = [];
let used: Set<string>;
/** What Retently takes for alive. */
let alive: string;
/** Bearer tokens of the requests that came to Retently. */
let sent: string[];

beforeEach(async () => {
  [used, sent, alive] = [new Set(), [], 'one'];
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
  agent = await startAgent(aws.url);
  retently = await startLoopbackServer(({ headers }, response) => {
    sent.push((headers.authorization ?? '').replace('Bearer ', ''));
    response.writeHead(sent.at(-1) === alive ? 200 : 401).end('{}');
  });
});

afterEach(async () => {
  await Promise.all([aws.close(), agent.close(), retently.close()]);
});

function blockOf(language: string): string {
  const [block, ...others] = blocksOf(PAGE, language);
  if (block === undefined || others.length > 0) throw new Error(`The page has not one block ${language}.`);
  return block;
}

/** The ARNs of the stand-in end in characters of its own. */
function policyOf(name: string): readonly Permission[] {
  const text = Object.entries(ARNS).reduce(
    (block, [placeholder, arn]) => block.replaceAll(placeholder, arn),
    blockOf(`json policy ${name}`),
  );
  const anyEnd = text.replaceAll('-AbCdEf', '-??????');
  return parsePolicy(JSON.parse(anyEnd), {});
}

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

/** The function has refreshed, and Retently has ended the old token at once. */
function rotate(): void {
  alive = 'two';
  aws.secretsManager.putSecretValue({ SecretId: TOKEN_SECRET, SecretString: JSON.stringify({ access_token: 'two' }) });
}

describe.each(EXAMPLES)('the example for $name', ({ isRun, policy, actions, hasCache, start }) => {
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
      // Nothing in the policy goes unused.
      expect([...used].sort()).toEqual([...actions].sort());
    },
  );

  it.skipIf(!isRun)(`fails after a second 401${isRun ? '' : ' (SKIPPED: not installed here)'}`, async () => {
    permissions = policyOf(policy);
    alive = 'none of ours';
    await using consumer = start(environment());
    expect(await consumer.callRetently()).toMatch(/^failed: .*(401|refuses)/);
    expect(sent).toEqual(['one', 'one']);
  });

  it.skipIf(!isRun)(`cannot read the credentials${isRun ? '' : ' (SKIPPED: not installed here)'}`, async () => {
    permissions = policyOf(policy);
    await using consumer = start(environment(CREDENTIALS_SECRET));
    expect(await consumer.callRetently()).not.toBe('200');
    expect(sent.filter((token) => token === 'one')).toEqual([]);
  });
});

describe('the policies', () => {
  const token = ARNS['<TokenSecretArn>'];
  const byId = { 'secretsmanager:versionid': '0'.repeat(64) };
  const current = { 'secretsmanager:versionstage': 'AWSCURRENT' };
  const isAllowed = (policy: string, action: string, resource: string, keys = {}) =>
    evaluatePolicy(policyOf(policy), { action, resource, keys }) !== undefined;

  it.each([
    [
      "AWS's caching libraries",
      'caching',
      [
        [DESCRIBE, {}],
        [GET, byId],
      ],
    ],
    ['the External Secrets Operator', 'external-secrets', [[GET, current]]],
  ] as const)('allow the calls that %s are documented to make', (_, policy, calls) => {
    for (const [action, keys] of calls) {
      expect(isAllowed(policy, action, token, keys)).toBe(true);
      expect(isAllowed(policy, action, ARNS['<SecretArn>'], keys)).toBe(false);
    }
  });

  it('of one secret alone allow a read of AWSCURRENT by name, and deny older values, the journal and caching libraries', () => {
    const secret = ARNS['<SecretArn>'];
    expect(isAllowed('interim', GET, secret, current)).toBe(true);
    for (const keys of [
      {},
      byId,
      { 'secretsmanager:versionstage': 'TOKEN_REFRESH' },
      { 'secretsmanager:versionstage': 'AWSPREVIOUS' },
    ]) {
      expect(isAllowed('interim', GET, secret, keys)).toBe(false);
    }
    expect(isAllowed('interim', DESCRIBE, secret)).toBe(false);
  });

  it('of the key allow to decrypt through Secrets Manager alone', () => {
    const [permission] = parsePolicy(JSON.parse(blockOf('json policy key')), {});
    expect(permission).toMatchObject({ action: 'kms:Decrypt', resource: '<KmsKeyArn>' });
    expect([...(permission?.stringEquals ?? [])]).toEqual([
      ['kms:viaservice', ['secretsmanager.<region>.amazonaws.com']],
    ]);
  });
});

describe('the page says how long a token lives that was just read', () => {
  const { schedule, timeoutSeconds } = optionsSchema.parse({});
  const CACHE_SECONDS = 300;

  it.each([
    ['six hours', 21_600, '**at least 2 hours and 42 minutes**'],
    ['one hour', 3_600, '**at least 6 minutes**'],
  ])('of %s', (_, life, sentence) => {
    const tickSeconds = (schedule.everyMinutes + schedule.flexibleWindowMinutes) * 60;
    const leastSeconds = life - dueAfterSeconds(life) - tickSeconds - timeoutSeconds - CACHE_SECONDS;
    const [hours, minutes] = [Math.floor(leastSeconds / 3_600), Math.floor((leastSeconds % 3_600) / 60)];
    expect(sentence).toBe(`**at least ${hours === 0 ? '' : `${hours} hours and `}${minutes} minutes**`);
    expect(PAGE.replaceAll('\n', ' ')).toContain(sentence);
  });
});

describe('what is not run is said to be so', () => {
  it.each(['python caching', 'yaml', 'json airbyte'])('%s', (language) => {
    const before = PAGE.slice(0, PAGE.indexOf(`\`\`\`${language}\n`));
    expect(before.slice(before.lastIndexOf('\n\n', before.length - 3))).toMatch(/\*Not run/);
  });

  it('Kubernetes reads the one member, every five minutes', () => {
    expect(blockOf('yaml')).toMatch(/refreshInterval: 5m[\s\S]*property: access_token/);
  });
});
