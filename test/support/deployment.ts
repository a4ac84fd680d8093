import { ENVIRONMENT } from '../../lambda/contract.ts';
import {
  type DeployedFunction,
  type DeployedResource,
  type DeploymentServer,
  startDeploymentServer,
} from '../sandbox/aws/control-plane.ts';
import type { LambdaProcess } from '../sandbox/lambda/lambda-process.ts';
import { type Sandbox, type SandboxOptions, SECRET_ID, startSandbox } from '../sandbox/sandbox.ts';

export const FUNCTION_NAME = 'token-refresh';
export const STACK_NAME = 'RetentlyTokenRefresh';

export const ALARM_NAME = `${STACK_NAME}-TokenRefreshAlarmsTokenExpiringSoon0A1B2C3D-XYZ`;
export const SCHEDULE_NAME = `${STACK_NAME}-TokenRefresh-Schedule`;
const WATCHED: readonly DeployedResource[] = [
  { type: 'AWS::CloudWatch::Alarm', physicalId: ALARM_NAME },
  { type: 'AWS::CloudWatch::Alarm', physicalId: `${STACK_NAME}-TokenRefreshAlarmsFunctionFailing4E5F6A7B-XYZ` },
  { type: 'AWS::Scheduler::Schedule', physicalId: SCHEDULE_NAME },
];

/** A sandbox, deployed: a stack whose function is the bundle, in its own process. */
export interface SandboxDeployment extends AsyncDisposable {
  readonly sandbox: Sandbox;
  readonly server: DeploymentServer;
  readonly lambda: LambdaProcess;
  /** Environment of a command that finds only this deployment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Options that send a browser to the sandbox's pages, on any free port. */
  readonly browserOptions: readonly string[];
  /** Deploys the function again, under the name of the stack. */
  addStack(name: string, resources?: readonly DeployedResource[]): void;
}

export async function startDeployment(options: SandboxOptions = {}): Promise<SandboxDeployment> {
  const [sandbox, server] = await Promise.all([startSandbox(options), startDeploymentServer()]);
  const lambda = await sandbox.startFunction();
  let turn: Promise<unknown> = Promise.resolve();
  const own: DeployedFunction = {
    timeoutSeconds: 60,
    environment: {
      [ENVIRONMENT.credentialsSecretId]: SECRET_ID,
      [ENVIRONMENT.tokenEndpoint]: sandbox.tokenEndpoint.url,
      [ENVIRONMENT.leaseSeconds]: '90',
    },
    // One at a time, as an execution environment serves them.
    invoke: (event) => {
      const answered = turn.then(() => lambda.invoke(event));
      turn = answered.catch(() => undefined);
      return answered;
    },
  };
  const addStack = (name: string, resources: readonly DeployedResource[] = []) => {
    const physicalId = name === STACK_NAME ? FUNCTION_NAME : `${FUNCTION_NAME}-of-${name}`;
    server.functions.set(physicalId, own);
    server.stacks.set(name, { resources: [{ type: 'AWS::Lambda::Function', physicalId }, ...resources] });
  };
  addStack(STACK_NAME, WATCHED);
  return {
    sandbox,
    server,
    lambda,
    addStack,
    environment: {
      AWS_ENDPOINT_URL_SECRETS_MANAGER: sandbox.aws.url,
      AWS_ENDPOINT_URL: server.url,
      RETENTLY_CLIENT_ID: sandbox.authorizationServer.clientId,
      RETENTLY_CLIENT_SECRET: sandbox.authorizationServer.clientSecret,
    },
    browserOptions: [
      `--authorization-endpoint=${sandbox.authorizationServer.authorizationUrl}`,
      '--port=0',
      '--no-open',
      '--wait-seconds=9999',
    ],
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await sandbox[Symbol.asyncDispose]();
    },
  };
}
