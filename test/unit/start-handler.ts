import { vi } from 'vitest';
import type { LambdaContext } from '../../lambda/lambda-context.ts';
import { type Aws, startAws } from '../sandbox/aws/aws-server.ts';
import {
  type ScriptedTokenEndpoint,
  type Step,
  startScriptedTokenEndpoint,
} from '../sandbox/oauth/scripted-token-endpoint.ts';

export const SECRET_ID = 'RetentlyCredentials';

/** The handler in an execution environment of its own, and all that it knows of the world, on loopback. */
interface StartedHandler extends AsyncDisposable {
  readonly aws: Aws;
  readonly tokenEndpoint: ScriptedTokenEndpoint;
  invoke(event: unknown, lambdaContext?: Partial<LambdaContext>): Promise<unknown>;
}

/**
 * `lambda/handler.ts` wires at import, so it is loaded anew under its environment.
 *
 * @param environment beside what leads to the sandbox; `undefined` takes a variable away
 */
export async function startHandler(
  secret: object,
  script: readonly Step[],
  environment: Record<string, string | undefined> = {},
): Promise<StartedHandler> {
  const [aws, tokenEndpoint] = await Promise.all([startAws(), startScriptedTokenEndpoint(script)]);
  aws.secretsManager.createSecret({ Name: SECRET_ID, SecretString: JSON.stringify(secret) });
  const variables = {
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_REGION: 'us-east-1',
    AWS_ENDPOINT_URL_SECRETS_MANAGER: aws.url,
    AWS_ENDPOINT_URL_EVENTBRIDGE: aws.url,
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    CREDENTIALS_SECRET_ID: SECRET_ID,
    TOKEN_ENDPOINT: tokenEndpoint.url,
    ...environment,
  };
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  vi.resetModules();
  const { handler } = await import('../../lambda/handler.ts');
  return {
    aws,
    tokenEndpoint,
    invoke: (event, lambdaContext = {}) =>
      handler(event, {
        awsRequestId: 'request-1',
        functionName: 'refresh-function',
        getRemainingTimeInMillis: () => 60_000,
        ...lambdaContext,
      }),
    async [Symbol.asyncDispose]() {
      vi.unstubAllEnvs();
      await Promise.all([aws.close(), tokenEndpoint.close()]);
    },
  };
}
