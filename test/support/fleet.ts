import { ENVIRONMENT, FLEET_ENVIRONMENT } from '../../lambda/contract.ts';
import type { DeployedFunction } from '../sandbox/aws/control-plane.ts';
import { FLEET_TAG } from '../sandbox/fleet.ts';
import { bundleOnce } from '../sandbox/lambda/bundle.ts';
import { type LambdaProcess, startLambdaProcess } from '../sandbox/lambda/lambda-process.ts';
import type { SandboxDeployment } from './deployment.ts';

export const FLEET_NAME = 'RetentlyTokenRefreshFleet';
export const FLEET_ALARM = `${FLEET_NAME}-FleetAlarmsDeadLetters0A1B2C3D-XYZ`;
export const FLEET_SCHEDULE = `${FLEET_NAME}-Fleet-Schedule`;
export const REFRESH_NAME = 'fleet-refresh';

/** A fleet beside the account of a deployment: its refresh is the bundle, in its own process. */
export interface SandboxFleet extends AsyncDisposable {
  readonly lambda: LambdaProcess;
  readonly refresh: DeployedFunction;
  /** Under another name or tag, with the same refresh. */
  addStack(name: string, tag: { readonly Key: string; readonly Value?: string }): void;
  /** A secret with the tag, and with `document` if there is one. @returns its ARN */
  createSecret(name: string, document?: object): string;
  /** A secret with the tag and a fresh access token. @returns its ARN */
  createFresh(name: string): Promise<string>;
  /** The secrets that were created here are deleted. */
  clear(): void;
}

/** Deploys a fleet beside the account of a deployment. */
export async function deployFleet({ sandbox, server }: SandboxDeployment): Promise<SandboxFleet> {
  const variables = { [ENVIRONMENT.tokenEndpoint]: sandbox.tokenEndpoint.url, [ENVIRONMENT.leaseSeconds]: '90' };
  const lambda = await startLambdaProcess({
    bundlePath: bundleOnce('refresh-message'),
    functionName: REFRESH_NAME,
    environment: {
      AWS_ENDPOINT_URL_SECRETS_MANAGER: sandbox.aws.url,
      AWS_ENDPOINT_URL_EVENTBRIDGE: sandbox.aws.url,
      ...variables,
    },
  });
  let turn: Promise<unknown> = Promise.resolve();
  const refresh: DeployedFunction = {
    timeoutSeconds: 60,
    environment: variables,
    isTicked: false,
    // One at a time, as an execution environment serves them.
    invoke: (event) => {
      const answered = turn.then(() => lambda.invoke(event));
      turn = answered.catch(() => undefined);
      return answered;
    },
  };
  const { secretsManager } = sandbox.aws;
  const names: string[] = [];
  const createSecret = (name: string, document?: object) => {
    names.push(name);
    const value = document === undefined ? {} : { SecretString: JSON.stringify(document) };
    return secretsManager.createSecret({ Name: name, Tags: [FLEET_TAG], ...value }).ARN;
  };
  const fleet: SandboxFleet = {
    lambda,
    refresh,
    addStack(name, { Key, Value = '' }) {
      const sweepName = `${name}-sweep`;
      const refreshName = name === FLEET_NAME ? REFRESH_NAME : `${name}-refresh`;
      server.functions.set(refreshName, { ...refresh, queueNames: [`${name}-queue`] });
      server.functions.set(sweepName, {
        timeoutSeconds: 60,
        environment: {
          [FLEET_ENVIRONMENT.tagKey]: Key,
          [FLEET_ENVIRONMENT.tagValue]: Value,
          [FLEET_ENVIRONMENT.queueUrl]: `https://sqs.us-east-1.amazonaws.com/123456789012/${name}-queue`,
        },
        invoke: () => Promise.reject(new Error('No command sweeps.')),
      });
      server.stacks.set(name, {
        resources: [
          { type: 'AWS::Lambda::Function', physicalId: sweepName },
          { type: 'AWS::Lambda::Function', physicalId: refreshName },
          { type: 'AWS::CloudWatch::Alarm', physicalId: FLEET_ALARM },
          { type: 'AWS::Scheduler::Schedule', physicalId: FLEET_SCHEDULE },
        ],
      });
    },
    createSecret,
    async createFresh(name) {
      const arn = createSecret(name, await sandbox.mintCredentials());
      await lambda.invoke({ action: 'refresh', secretId: arn });
      return arn;
    },
    clear() {
      for (const name of names.splice(0)) {
        secretsManager.deleteSecret({ SecretId: name, ForceDeleteWithoutRecovery: true });
      }
    },
    [Symbol.asyncDispose]: () => lambda.kill(),
  };
  fleet.addStack(FLEET_NAME, FLEET_TAG);
  return fleet;
}
