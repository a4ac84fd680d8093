import * as z from 'zod';
import type { HandlerName } from '../../infra/bundle/bundle-handler.ts';
import { ENVIRONMENT } from '../../lambda/contract.ts';
import { type Aws, type AwsOptions, startAws } from './aws/aws-server.ts';
import { bundleOnce } from './lambda/bundle.ts';
import { type LambdaProcess, type LambdaProcessOptions, startLambdaProcess } from './lambda/lambda-process.ts';
import {
  type AuthorizationServer,
  type AuthorizationServerOptions,
  startAuthorizationServer,
} from './oauth/authorization-server.ts';
import { type ScriptedTokenEndpoint, type Step, startScriptedTokenEndpoint } from './oauth/scripted-token-endpoint.ts';

export const SECRET_ID = 'RetentlyCredentials';
export const TOKEN_SECRET_ID = 'RetentlyToken';

/** The members of the secret that a test looks at; it may have others. */
const document = z.looseObject({
  refresh_token: z.string().optional(),
  access_token: z.string().optional(),
  expires_at: z.string().optional(),
});
type Document = z.infer<typeof document>;

export interface SandboxOptions {
  /** @default 'rotation' */
  readonly kind?: AuthorizationServerOptions['kind'];
  readonly graceSeconds?: number;
  readonly aws?: Omit<AwsOptions, 'now'>;
  /** Behavior of each connection to the authorization server. @default - no faults */
  readonly script?: readonly Step[];
  /** Token endpoint at the end of that line. @default the sandbox's own authorization server */
  readonly upstream?: string;
}

/** Everything that the function connects to, on loopback: AWS, and Retently behind a connection that can fail. */
export interface Sandbox extends AsyncDisposable {
  readonly aws: Aws;
  readonly authorizationServer: AuthorizationServer;
  /** Token endpoint that the function uses. Its script decides which requests reach `authorizationServer`. */
  readonly tokenEndpoint: ScriptedTokenEndpoint;
  /** Credentials as an operator stores them, with an unused refresh token. */
  mintCredentials(): Promise<{ client_id: string; client_secret: string; refresh_token: string }>;
  /** Stores a value like `put-secret-value`, which moves AWSCURRENT immediately. */
  putCredentials(document: object): void;
  /** Recreates the secret without a value and without a history. */
  recreateSecret(): void;
  /** `undefined` where no version holds this label. */
  readVersion(stage: string): { versionId: string; document: Document } | undefined;
  /** Returns the value of the token secret; empty if it has no value yet. */
  readTokenSecret(): Readonly<Record<string, unknown>>;
  /** Runs `act` while AWS's clock is `seconds` behind, so that versions stored by `act` have that age afterwards. */
  ago<T>(seconds: number, act: () => Promise<T>): Promise<T>;
  readonly processes: readonly LambdaProcess[];
  /** An execution environment of a bundled handler, by default of the function of one secret. Ends with the sandbox. */
  startFunction(
    environment?: Readonly<Record<string, string>>,
    name?: HandlerName,
    under?: LambdaProcessOptions['under'],
  ): Promise<LambdaProcess>;
}

export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { kind = 'rotation', graceSeconds, script = ['forward'] } = options;
  let lagMs = 0;
  const [aws, authorizationServer] = await Promise.all([
    startAws({ ...options.aws, now: () => Date.now() - lagMs }),
    startAuthorizationServer({ kind, ...(graceSeconds === undefined ? {} : { graceSeconds }) }),
  ]);
  const tokenEndpoint = await startScriptedTokenEndpoint(script, options.upstream ?? authorizationServer.url);
  const { secretsManager } = aws;
  secretsManager.createSecret({ Name: SECRET_ID });
  secretsManager.createSecret({ Name: TOKEN_SECRET_ID });
  const processes: LambdaProcess[] = [];

  return {
    aws,
    authorizationServer,
    tokenEndpoint,
    processes,
    async mintCredentials() {
      const { clientId, clientSecret } = authorizationServer;
      const refreshToken = await authorizationServer.mintRefreshToken();
      return { client_id: clientId, client_secret: clientSecret, refresh_token: refreshToken };
    },
    putCredentials(credentials) {
      secretsManager.putSecretValue({ SecretId: SECRET_ID, SecretString: JSON.stringify(credentials) });
    },
    recreateSecret() {
      secretsManager.deleteSecret({ SecretId: SECRET_ID, ForceDeleteWithoutRecovery: true });
      secretsManager.createSecret({ Name: SECRET_ID });
    },
    readVersion(stage) {
      const isHeld = Object.values(secretsManager.describeSecret({ SecretId: SECRET_ID }).VersionIdsToStages ?? {});
      if (!isHeld.flat().includes(stage)) return undefined;
      const { VersionId, SecretString } = secretsManager.getSecretValue({ SecretId: SECRET_ID, VersionStage: stage });
      return { versionId: VersionId, document: document.parse(JSON.parse(SecretString ?? 'null')) };
    },
    readTokenSecret() {
      const held = secretsManager.peek(TOKEN_SECRET_ID, { stage: 'AWSCURRENT' });
      return z.record(z.string(), z.unknown()).parse(JSON.parse(held?.value.SecretString ?? '{}'));
    },
    async ago(seconds, act) {
      lagMs = seconds * 1000;
      try {
        return await act();
      } finally {
        lagMs = 0;
      }
    },
    async startFunction(environment = {}, name = 'handler', under) {
      const lambda = await startLambdaProcess({
        bundlePath: bundleOnce(name),
        ...(under === undefined ? {} : { under }),
        environment: {
          AWS_ENDPOINT_URL_SECRETS_MANAGER: aws.url,
          AWS_ENDPOINT_URL_EVENTBRIDGE: aws.url,
          AWS_ENDPOINT_URL_SQS: aws.url,
          [ENVIRONMENT.credentialsSecretId]: SECRET_ID,
          [ENVIRONMENT.tokenSecretId]: TOKEN_SECRET_ID,
          [ENVIRONMENT.tokenEndpoint]: tokenEndpoint.url,
          ...environment,
        },
      });
      processes.push(lambda);
      return lambda;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(processes.map((each) => each.kill()));
      await Promise.all([aws.close(), tokenEndpoint.close(), authorizationServer.close()]);
    },
  };
}
