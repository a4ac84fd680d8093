import { vi } from 'vitest';
import type { LambdaContext } from '../../lambda/runtime/lambda-context.ts';
import { type Aws, type AwsOptions, startAws } from '../sandbox/aws/aws-server.ts';
import {
  type ScriptedTokenEndpoint,
  type Step,
  startScriptedTokenEndpoint,
} from '../sandbox/oauth/scripted-token-endpoint.ts';

export const SECRET_ID = 'RetentlyCredentials';

/** Services of a function on loopback, and the environment variables that point to them. */
interface Surroundings extends AsyncDisposable {
  readonly aws: Aws;
  readonly tokenEndpoint: ScriptedTokenEndpoint;
}

/** Handler in its own execution environment. */
interface StartedHandler extends Surroundings {
  invoke(event: unknown, lambdaContext?: Partial<LambdaContext>): Promise<unknown>;
}

/**
 * `lambda/handler.ts` wires at import, so each test loads it again with its environment.
 *
 * @param environment in addition to the variables of the sandbox; `undefined` removes a variable
 */
export async function startHandler(
  secret: object,
  script: readonly Step[],
  environment: Record<string, string | undefined> = {},
): Promise<StartedHandler> {
  const surroundings = await startSurroundings(script, { CREDENTIALS_SECRET_ID: SECRET_ID, ...environment });
  surroundings.aws.secretsManager.createSecret({ Name: SECRET_ID, SecretString: JSON.stringify(secret) });
  const { handler } = await import('../../lambda/handler.ts');
  return {
    ...surroundings,
    invoke: (event, lambdaContext = {}) =>
      handler(event, {
        awsRequestId: 'request-1',
        functionName: 'refresh-function',
        getRemainingTimeInMillis: () => 60_000,
        ...lambdaContext,
      }),
  };
}

/** Sets the environment for later imports. */
export async function startSurroundings(
  script: readonly Step[],
  environment: Record<string, string | undefined>,
  awsOptions: AwsOptions = {},
): Promise<Surroundings> {
  const [aws, tokenEndpoint] = await Promise.all([startAws(awsOptions), startScriptedTokenEndpoint(script)]);
  const variables = {
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_REGION: 'us-east-1',
    AWS_ENDPOINT_URL_SECRETS_MANAGER: aws.url,
    AWS_ENDPOINT_URL_EVENTBRIDGE: aws.url,
    AWS_ENDPOINT_URL_SQS: aws.url,
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    TOKEN_ENDPOINT: tokenEndpoint.url,
    ...environment,
  };
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  vi.resetModules();
  return {
    aws,
    tokenEndpoint,
    async [Symbol.asyncDispose]() {
      vi.unstubAllEnvs();
      await Promise.all([aws.close(), tokenEndpoint.close()]);
    },
  };
}
