import { expect } from 'vitest';
import type { LambdaProcess } from '../sandbox/lambda/lambda-process.ts';
import type { Step } from '../sandbox/oauth/scripted-token-endpoint.ts';
import { type SandboxOptions, SECRET_ID } from '../sandbox/sandbox.ts';
import { endingOf, until } from '../support/in-sandbox.ts';
import type { Deployment } from './deployed-template.ts';

const FORCED = { action: 'refresh', force: true };
const STATUS = { action: 'status' };
/** More often than a run can call. */
const ALWAYS = 1_000;
/** Longer than the default lease. */
const LONG_AGO_SECONDS = 100;
const OUTAGE: Step = { status: 503, headers: { 'retry-after': '120' } };
/** Number of versions beside which another attempt, its answer and the reserve exceed Secrets Manager's 100. */
const TOO_MANY_VERSIONS = 89;

/** A way through the handler, and how its invocations end. */
export interface Path {
  readonly name: string;
  readonly sandbox?: SandboxOptions;
  readonly endings: readonly string[];
  walk(deployment: Deployment): Promise<readonly string[]>;
}

/** Every call that the handler can make is on one of these. */
export const PATHS: readonly Path[] = [
  {
    name: 'no value yet: status and a tick',
    endings: ['status', 'not-configured'],
    walk: async (deployment) => invoke(await deployment.startFunction(), STATUS, {}),
  },
  {
    name: 'status, a first refresh, a fresh tick, a forced refresh',
    endings: ['status', 'refreshed', 'fresh', 'refreshed'],
    walk: async (deployment) => invoke(await configure(deployment), STATUS, {}, {}, FORCED),
  },
  {
    name: 'a server that does not rotate',
    sandbox: { kind: 'no-rotation' },
    endings: ['refreshed', 'refreshed'],
    walk: async (deployment) => invoke(await configure(deployment), {}, FORCED),
  },
  {
    name: 'an edit during the exchange: roll forward, merge and promote',
    sandbox: { script: ['held'] },
    endings: ['refreshed'],
    async walk(deployment) {
      const { sandbox } = deployment;
      const running = invoke(await configure(deployment), {});
      await until(() => sandbox.tokenEndpoint.requests.length === 1);
      sandbox.putCredentials({ ...sandbox.readVersion('AWSCURRENT')?.document, note: 'kept' });
      sandbox.tokenEndpoint.release();
      const endings = await running;
      expect(sandbox.readVersion('AWSCURRENT')?.document).toMatchObject({ note: 'kept' });
      return endings;
    },
  },
  {
    name: 'an old document pasted back',
    endings: ['refreshed', 'adopted'],
    async walk(deployment) {
      const { sandbox } = deployment;
      const lambda = await configure(deployment);
      const old = sandbox.readVersion('AWSCURRENT')?.document;
      const endings = await invoke(lambda, {});
      sandbox.putCredentials({ ...old, note: 'pasted' });
      return [...endings, ...(await invoke(lambda, {}))];
    },
  },
  {
    name: 'a live claim',
    endings: ['ended', 'busy'],
    walk: (deployment) => crashInExchange(deployment, 0),
  },
  {
    name: 'an expired claim, taken over',
    endings: ['ended', 'refreshed'],
    walk: (deployment) => crashInExchange(deployment, LONG_AGO_SECONDS),
  },
  {
    name: 'a promotion that fails, finished by the next run',
    endings: ['STORE_UNAVAILABLE', 'adopted'],
    async walk(deployment) {
      const { aws } = deployment.sandbox;
      const lambda = await configure(deployment);
      aws.inject({ kind: 'drop-before', operation: 'UpdateSecretVersionStage', times: ALWAYS });
      const endings = await invoke(lambda, {});
      aws.clearFaults();
      return [...endings, ...(await invoke(lambda, {}))];
    },
  },
  {
    name: 'an answer that cannot be stored, kept in memory and stored later',
    endings: ['TOKEN_NOT_STORED', 'adopted'],
    async walk(deployment) {
      const { aws } = deployment.sandbox;
      const lambda = await configure(deployment);
      aws.inject({ kind: 'internal-error', operation: 'PutSecretValue', skip: 1, times: ALWAYS });
      const running = invoke(lambda, {});
      await until(() => aws.calls.some(({ fault }) => fault !== undefined));
      lambda.hasten(5_000);
      const endings = await running;
      aws.clearFaults();
      return [...endings, ...(await invoke(lambda, {}))];
    },
  },
  {
    name: 'a failure and its record, the back-off, the recovery',
    sandbox: { script: [OUTAGE, 'forward'] },
    endings: ['PROVIDER_UNAVAILABLE', 'waiting', 'refreshed'],
    walk: async (deployment) => invoke(await configure(deployment), {}, {}, FORCED),
  },
  {
    name: 'a revoked grant: tried once, known afterwards, and replaced by new credentials',
    endings: ['REAUTHORIZATION_REQUIRED', 'REAUTHORIZATION_REQUIRED', 'refreshed'],
    async walk(deployment) {
      const { sandbox } = deployment;
      const lambda = await configure(deployment);
      sandbox.authorizationServer.revoke();
      const endings = await invoke(lambda, {}, {});
      sandbox.putCredentials(await sandbox.mintCredentials());
      return [...endings, ...(await invoke(lambda, {}))];
    },
  },
  {
    name: 'a write budget that is used up',
    endings: ['waiting'],
    async walk(deployment) {
      const lambda = await configure(deployment);
      const document = deployment.sandbox.readVersion('AWSCURRENT')?.document;
      for (let edit = 0; edit < TOO_MANY_VERSIONS; edit++) deployment.sandbox.putCredentials({ ...document, edit });
      return invoke(lambda, {});
    },
  },
  {
    name: 'credentials that are not complete',
    endings: ['CREDENTIALS_INCOMPLETE'],
    async walk(deployment) {
      deployment.sandbox.putCredentials({ client_id: 'mine' });
      return invoke(await deployment.startFunction(), {});
    },
  },
  {
    name: 'a secret that is gone',
    endings: ['SECRET_NOT_FOUND'],
    async walk(deployment) {
      const lambda = await configure(deployment);
      const { secretsManager } = deployment.sandbox.aws;
      secretsManager.deleteSecret({ SecretId: SECRET_ID, ForceDeleteWithoutRecovery: true });
      return invoke(lambda, {});
    },
  },
  {
    name: 'a secret that is scheduled for deletion',
    endings: ['SECRET_NOT_FOUND'],
    async walk(deployment) {
      const lambda = await configure(deployment);
      deployment.sandbox.aws.secretsManager.deleteSecret({ SecretId: SECRET_ID });
      return invoke(lambda, {});
    },
  },
];

/** Results of the invocations, in order. */
export async function invoke(lambda: LambdaProcess, ...events: readonly object[]): Promise<readonly string[]> {
  const endings: string[] = [];
  for (const event of events) endings.push(endingOf(await lambda.invoke(event)));
  return endings;
}

/** A function, and credentials in the secret that were never used. */
export async function configure({ sandbox, startFunction }: Deployment, environment = {}): Promise<LambdaProcess> {
  sandbox.putCredentials(await sandbox.mintCredentials());
  return await startFunction(environment);
}

/** A run is killed in its exchange; then the next one. */
async function crashInExchange(deployment: Deployment, secondsAgo: number): Promise<readonly string[]> {
  const { sandbox } = deployment;
  const endings = await sandbox.ago(secondsAgo, async () => {
    const lambda = await configure(deployment);
    sandbox.tokenEndpoint.play('hang', 'forward');
    const running = invoke(lambda, {});
    await until(() => sandbox.tokenEndpoint.requests.length === 1);
    await lambda.kill();
    return await running;
  });
  return [...endings, ...(await invoke(await deployment.startFunction(), {}))];
}
