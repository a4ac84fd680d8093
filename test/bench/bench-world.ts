import { connect } from 'node:net';
import { createServer } from 'node:tls';
import { ENVIRONMENT, JOURNAL_STAGE } from '../../lambda/contract.ts';
import { type Aws, startAws } from '../sandbox/aws/aws-server.ts';
import { LAMBDA_ENVIRONMENT } from '../sandbox/lambda/lambda-process.ts';
import {
  type ScriptedTokenEndpoint,
  type Step,
  startScriptedTokenEndpoint,
} from '../sandbox/oauth/scripted-token-endpoint.ts';
import { createSelfSignedCertificate } from '../support/self-signed-certificate.ts';

const SECRET_ID = 'RetentlyCredentials';
const TOKEN_SECRET_ID = 'RetentlyToken';
const HOUR_MS = 60 * 60 * 1000;

/** More than any candidate asks for. */
const ANSWERS = 10;

/** Latency of each call, in addition to its work. */
export interface Latency {
  readonly awsMs: number;
  readonly tokenEndpointMs: number;
}

/** AWS and the token endpoint on loopback, over TLS as in a deployment. */
export interface BenchWorld extends AsyncDisposable {
  readonly aws: Aws;
  readonly tokenEndpoint: ScriptedTokenEndpoint;
  /** Environment variables of a function in this world. */
  readonly environment: Readonly<Record<string, string>>;
  /** Resets everything, with a fresh or due token. Each answer of the token endpoint has a new token. */
  begin(token: 'fresh' | 'due', latency?: Latency): void;
  /** Returns the document in AWSCURRENT of the credentials, and of the token secret. */
  readCurrent(): string;
  readTokenSecret(): string;
}

export async function startBenchWorld(): Promise<BenchWorld> {
  const [aws, tokenEndpoint] = await Promise.all([startAws(), startScriptedTokenEndpoint([])]);
  const { secretsManager } = aws;
  const certificate = createSelfSignedCertificate();
  const [awsFront, tokenEndpointFront] = await Promise.all([
    startTlsFront(aws.url, certificate),
    startTlsFront(tokenEndpoint.url, certificate),
  ]);
  const create = (name: string, value: object) => {
    secretsManager.createSecret({ Name: name });
    secretsManager.putSecretValue({
      SecretId: name,
      SecretString: JSON.stringify(value),
      VersionStages: ['AWSCURRENT', JOURNAL_STAGE],
    });
  };
  const recreate = (name: string, value: object) => {
    secretsManager.deleteSecret({ SecretId: name, ForceDeleteWithoutRecovery: true });
    create(name, value);
  };
  const read = (name: string) =>
    secretsManager.getSecretValue({ SecretId: name, VersionStage: 'AWSCURRENT' }).SecretString ?? '';
  create(SECRET_ID, {});
  create(TOKEN_SECRET_ID, {});

  return {
    aws,
    tokenEndpoint,
    environment: {
      ...LAMBDA_ENVIRONMENT,
      AWS_LAMBDA_FUNCTION_NAME: 'bench',
      AWS_ENDPOINT_URL_SECRETS_MANAGER: awsFront.url,
      AWS_ENDPOINT_URL_EVENTBRIDGE: awsFront.url,
      [ENVIRONMENT.credentialsSecretId]: SECRET_ID,
      [ENVIRONMENT.tokenSecretId]: TOKEN_SECRET_ID,
      [ENVIRONMENT.tokenEndpoint]: tokenEndpointFront.url + new URL(tokenEndpoint.url).pathname,
      // The certificate was made a moment ago, and vouches for itself.
      NODE_TLS_REJECT_UNAUTHORIZED: '0',
      NODE_NO_WARNINGS: '1',
    },
    begin(token, latency) {
      const document = documentOf(token);
      recreate(SECRET_ID, document);
      const { access_token, token_type, expires_at } = document;
      recreate(TOKEN_SECRET_ID, { access_token, token_type, expires_at });
      for (const book of [aws.calls, aws.eventBridge.events, tokenEndpoint.requests]) book.length = 0;
      aws.clearFaults();
      if (latency) aws.inject({ kind: 'latency', operation: '*', times: Infinity, latencyMs: latency.awsMs });
      tokenEndpoint.play(...Array.from({ length: ANSWERS }, (_, index) => toStep(index, latency)));
    },
    readCurrent: () => read(SECRET_ID),
    readTokenSecret: () => read(TOKEN_SECRET_ID),
    async [Symbol.asyncDispose]() {
      for (const front of [awsFront, tokenEndpointFront]) front.close();
      await Promise.all([aws.close(), tokenEndpoint.close()]);
    },
  };
}

/** Returns a document as the function stores it, refreshed one or four hours ago. */
function documentOf(token: 'fresh' | 'due') {
  const refreshedAtMs = Date.now() - (token === 'fresh' ? 1 : 4) * HOUR_MS;
  return {
    client_id: 'client',
    client_secret: 'client-secret',
    refresh_token: 'refresh',
    access_token: 'access',
    token_type: 'Bearer',
    refreshed_at: new Date(refreshedAtMs).toISOString(),
    expires_at: new Date(refreshedAtMs + 6 * HOUR_MS).toISOString(),
    spent_refresh_token_sha256: '0'.repeat(64),
  };
}

function toStep(index: number, latency: Latency | undefined): Step {
  const tokens = { access_token: `access-${index}`, refresh_token: `refresh-${index}` };
  const answer = { status: 200, body: { ...tokens, token_type: 'Bearer', expires_in: 21_600 } };
  return latency ? { slowMs: latency.tokenEndpointMs, answer } : answer;
}

/** Ends TLS in front of a server that speaks plain HTTP. */
async function startTlsFront(
  upstream: string,
  certificate: { key: string; cert: string },
): Promise<{ url: string; close(): void }> {
  const port = Number(new URL(upstream).port);
  const server = createServer({ ...certificate, noDelay: true }, (socket) => {
    const line = connect({ port, host: '127.0.0.1', noDelay: true });
    // If one side closes, the other closes too.
    socket.on('error', () => line.destroy()).pipe(line);
    line.on('error', () => socket.destroy()).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no TCP address.');
  return { url: `https://127.0.0.1:${address.port}`, close: () => server.close() };
}
