import { FLEET_ENVIRONMENT } from '../../lambda/contract.ts';
import { EventSourceMapping } from './lambda/event-source-mapping.ts';
import type { Invocation, InvokeOptions, LambdaProcess } from './lambda/lambda-process.ts';
import type { Sandbox } from './sandbox.ts';

/** Tag of the secrets of a fleet, wherever a test has one. */
export const FLEET_TAG = { Key: 'retently', Value: 'emea' };

/** A fleet in a sandbox: the two functions that its stack deploys, and the queue between them. */
export interface Fleet {
  readonly refresh: EventSourceMapping;
  /** A secret with the tag. @returns its ARN */
  add(name: string, document?: object): string;
  /** An execution environment of the refresh, for requests. */
  startRefresh(): Promise<LambdaProcess>;
  sweep(options?: InvokeOptions): Promise<Invocation>;
  /** Runs a sweep and every run that it queues. */
  tick(options?: InvokeOptions): Promise<Invocation>;
  /** Returns the value that readers of a secret get. */
  read(name: string): Readonly<Record<string, unknown>>;
}

export async function startFleet(sandbox: Sandbox, maximumConcurrency = 4): Promise<Fleet> {
  const { secretsManager, sqs, url } = sandbox.aws;
  const startRefresh = () => sandbox.startFunction({}, 'refresh-message');
  const refresh = new EventSourceMapping(sqs, maximumConcurrency, startRefresh);
  const sweepVariables = {
    [FLEET_ENVIRONMENT.tagKey]: FLEET_TAG.Key,
    [FLEET_ENVIRONMENT.tagValue]: FLEET_TAG.Value,
    [FLEET_ENVIRONMENT.queueUrl]: `${url}/000000000000/refresh`,
    [FLEET_ENVIRONMENT.retryQueueUrl]: `${url}/000000000000/retries`,
    [FLEET_ENVIRONMENT.refreshesPerSecond]: '1000',
  };
  let sweeper: LambdaProcess | undefined;
  const sweep = async (options?: InvokeOptions) => {
    sweeper ??= await sandbox.startFunction(sweepVariables, 'sweep');
    const invocation = await sweeper.invoke({}, options);
    // Lambda starts another environment after a crash.
    if (invocation.kind === 'ended') sweeper = undefined;
    return invocation;
  };
  return {
    refresh,
    startRefresh,
    sweep,
    add(name, document) {
      const value = document === undefined ? {} : { SecretString: JSON.stringify(document) };
      return secretsManager.createSecret({ Name: name, Tags: [FLEET_TAG], ...value }).ARN;
    },
    async tick(options) {
      const swept = await sweep(options);
      await refresh.drain(options);
      return swept;
    },
    read(name) {
      const held = secretsManager.peek(name, { stage: 'AWSCURRENT' });
      return JSON.parse(held?.value.SecretString ?? '{}');
    },
  };
}
