import * as z from 'zod';
import { ENVIRONMENT } from '../../lambda/contract.ts';
import { type Aws, startAws } from '../sandbox/aws/aws-server.ts';
import { bundleOnce } from '../sandbox/lambda/bundle.ts';
import { startLambdaProcess } from '../sandbox/lambda/lambda-process.ts';
import { type AuthorizationServer, startAuthorizationServer } from '../sandbox/oauth/authorization-server.ts';
import { startScriptedTokenEndpoint } from '../sandbox/oauth/scripted-token-endpoint.ts';

const SECRET_ID = 'RetentlyCredentials';
const TICK_MINUTES = 10;
const DAY_MINUTES = 24 * 60;
const UNAVAILABLE = { status: 503 };

const document = z.object({ expires_at: z.string() });

/** State of AWSCURRENT after one tick, and the requests of that tick. */
export interface Tick {
  readonly minute: number;
  /** Minutes until the access token expires; 0 if it has expired. */
  readonly minutesLeft: number;
  readonly posts: number;
}

export interface Outage {
  readonly fromMinute: number;
  readonly toMinute: number;
}

/**
 * A day of the deployed bundle at its default schedule, on clocks that the test moves from tick to tick. During the outage, the
 * token endpoint answers 503.
 */
export async function liveADay(outage: Outage): Promise<readonly Tick[]> {
  const startMs = Date.now();
  const clock = { minute: 0, offsetMs: 0 };
  const now = () => Date.now() + clock.offsetMs;
  const [aws, server] = await Promise.all([startAws({ now }), startAuthorizationServer({ kind: 'rotation', now })]);
  try {
    await using endpoint = await startScriptedTokenEndpoint(['forward'], server.url);
    await using lambda = await startLambdaProcess({
      bundlePath: bundleOnce(),
      environment: {
        AWS_ENDPOINT_URL_SECRETS_MANAGER: aws.url,
        AWS_ENDPOINT_URL_EVENTBRIDGE: aws.url,
        [ENVIRONMENT.credentialsSecretId]: SECRET_ID,
        [ENVIRONMENT.tokenEndpoint]: endpoint.url,
      },
    });
    await putCredentials(aws, server);
    const ticks: Tick[] = [];
    for (; clock.minute <= DAY_MINUTES; clock.minute += TICK_MINUTES) {
      const { minute } = clock;
      // Ticks come at their times, however long earlier ticks took. No schedule is exact: a tick at half of a token's lifetime
      // is slightly late.
      const tickMs = startMs + minute * 60_000 + ticks.length * 500;
      clock.offsetMs = tickMs - Date.now();
      endpoint.play(isWithin(outage, minute) ? UNAVAILABLE : 'forward');
      const postsBefore = endpoint.requests.length;
      // A failed run reports itself by its events and metrics. The plot shows the token that consumers have.
      await lambda.invoke({}, { clockOffsetMs: clock.offsetMs });
      const minutesLeft = Math.max(0, Math.round((readExpiresAtMs(aws) - tickMs) / 60_000));
      ticks.push({ minute, minutesLeft, posts: endpoint.requests.length - postsBefore });
    }
    return ticks;
  } finally {
    await Promise.all([aws.close(), server.close()]);
  }
}

export function isWithin({ fromMinute, toMinute }: Outage, minute: number): boolean {
  return minute >= fromMinute && minute < toMinute;
}

async function putCredentials({ secretsManager }: Aws, server: AuthorizationServer): Promise<void> {
  const { clientId, clientSecret } = server;
  const refreshToken = await server.mintRefreshToken();
  const credentials = { client_id: clientId, client_secret: clientSecret, refresh_token: refreshToken };
  secretsManager.createSecret({ Name: SECRET_ID });
  secretsManager.putSecretValue({ SecretId: SECRET_ID, SecretString: JSON.stringify(credentials) });
}

function readExpiresAtMs({ secretsManager }: Aws): number {
  const { SecretString = '' } = secretsManager.getSecretValue({ SecretId: SECRET_ID });
  return Date.parse(document.parse(JSON.parse(SecretString)).expires_at);
}
