import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientCredentials } from '../oauth/client-credentials.ts';
import type { Finding } from './finding.ts';
import * as findings from './finding.ts';
import { requestRefresh, type TokenAnswer, tryBearer } from './token-request.ts';

export interface ProbeSettings {
  readonly tokenEndpoint: URL;
  readonly apiUrl: URL;
  readonly client: ClientCredentials;
  readonly redirectUri: string;
  readonly graceSeconds: number;
}

/** Refresh token that no one was ever issued. */
const NO_TOKEN = 'retently-token-refresh-probe-of-a-wrong-token';
const NO_SECRET = 'retently-token-refresh-probe-of-a-wrong-secret';

const FIRST_GRACE_STEP_MS = 500;

/**
 * Runs the probe, harmless requests first: a used refresh token that is sent again may revoke the grant.
 *
 * @param first the response to the code
 * @param report called with each finding
 */
export async function runProbe(
  settings: ProbeSettings,
  first: TokenAnswer,
  report: (finding: Finding) => void,
): Promise<void> {
  const { tokenEndpoint, client, redirectUri } = settings;
  const refresh = (token: TokenAnswer, uri?: string) =>
    requestRefresh(tokenEndpoint, client, token.refreshToken ?? NO_TOKEN, uri);
  report(findings.ofCode(first));
  report(findings.ofWrongToken(await requestRefresh(tokenEndpoint, client, NO_TOKEN)));
  const wrongClient = { ...client, clientSecret: NO_SECRET };
  const wrong = await requestRefresh(tokenEndpoint, wrongClient, first.refreshToken ?? NO_TOKEN);
  report(findings.ofWrongSecret(wrong));

  const start = newest(first, wrong);
  const without = await refresh(start);
  report(findings.ofRefresh('without', without));
  const between = newest(start, without);
  const withUri = await refresh(between, redirectUri);
  report(findings.ofRefresh('with', withUri));
  const last = newest(between, withUri);
  if (last === start) return report(findings.ofNoRefresh());

  report(findings.ofRotation(without.isSuccess ? without : withUri, start));
  await probeBearers(settings, start, last, report);
  const spent = withUri.isSuccess ? between : start;
  if (spent.refreshToken !== last.refreshToken) await probeReuse(settings, spent, last, report);
}

/** Returns the tokens after a refresh. If the response has no refresh token, the old one stays valid (RFC 6749 section 6). */
function newest(before: TokenAnswer, after: TokenAnswer): TokenAnswer {
  return after.isSuccess ? { ...after, refreshToken: after.refreshToken ?? before.refreshToken } : before;
}

async function probeBearers(
  { apiUrl }: ProbeSettings,
  first: TokenAnswer,
  last: TokenAnswer,
  report: (finding: Finding) => void,
): Promise<void> {
  const newStatus = await tryBearer(apiUrl, last.accessToken ?? NO_TOKEN);
  const oldStatus = await tryBearer(apiUrl, first.accessToken ?? NO_TOKEN);
  const isSame = first.accessToken === last.accessToken;
  report(findings.ofOldBearer(newStatus, oldStatus, isSame));
}

async function probeReuse(
  settings: ProbeSettings,
  spent: TokenAnswer,
  last: TokenAnswer,
  report: (finding: Finding) => void,
): Promise<void> {
  const { tokenEndpoint, client, graceSeconds, apiUrl } = settings;
  const startedMs = performance.now();
  const elapsedSeconds = () => (performance.now() - startedMs) / 1000;
  let answeredUntilSeconds: number | undefined;
  for (let stepMs = FIRST_GRACE_STEP_MS; ; stepMs *= 2) {
    const answer = await requestRefresh(tokenEndpoint, client, spent.refreshToken ?? NO_TOKEN);
    const isOver = !answer.isSuccess || elapsedSeconds() >= graceSeconds;
    if (answer.isSuccess) answeredUntilSeconds = elapsedSeconds();
    if (isOver) {
      report(findings.ofReuse(answer, answeredUntilSeconds, elapsedSeconds()));
      break;
    }
    await sleep(Math.min(stepMs, Math.max(0, graceSeconds - elapsedSeconds()) * 1000));
  }
  const bearerStatus = await tryBearer(apiUrl, last.accessToken ?? NO_TOKEN);
  const after = await requestRefresh(tokenEndpoint, client, last.refreshToken ?? NO_TOKEN);
  report(findings.ofGrantAfterReuse(after, bearerStatus));
}
