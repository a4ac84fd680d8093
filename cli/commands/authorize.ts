import { type AuthorizationTarget, findTarget } from '../authorize/authorization-target.ts';
import {
  findForeignMembers,
  type KnownDocument,
  readDocument,
  requireCredentialsSecret,
} from '../authorize/authorized-document.ts';
import { keepUntilStored } from '../authorize/keep-grant.ts';
import { describePlace, findTokenEndpoint } from '../authorize/place.ts';
import { type StoredGrant, storeGrant } from '../authorize/store-grant.ts';
import { isFleet, type RefreshTarget } from '../aws/deployment.ts';
import { describeSecret } from '../aws/fleet-secrets.ts';
import { formatTag } from '../aws/fleet-tag.ts';
import { type Invoked, invokeFunction } from '../aws/invoke-function.ts';
import type { AwsSession } from '../aws/session.ts';
import { CommandError, EXIT, type ExitCode } from '../command-error.ts';
import { type Authorized, authorizeInBrowser } from '../oauth/authorize-in-browser.ts';
import { checkConnection } from '../oauth/check-connection.ts';
import { type ClientCredentials, findClientCredentials } from '../oauth/client-credentials.ts';
import { exchangeCode } from '../oauth/exchange-code.ts';
import type { LastPage } from '../oauth/last-page.ts';
import { chooseRedirect } from '../oauth/redirect-target.ts';
import type { AuthorizeOptions } from '../options.ts';
import { askYesOrNo } from '../terminal/ask.ts';
import { interruption } from '../terminal/interruption.ts';
import { terminal } from '../terminal/terminal.ts';
import { toPrintable } from '../terminal/to-printable.ts';
import { showRefresh } from './refresh.ts';

export async function authorize(session: AwsSession, options: AuthorizeOptions): Promise<ExitCode> {
  interruption.wouldMean('Nothing was stored.');
  const target = await findTarget(session, options);
  const { secret, refreshTarget } = target;
  const before = target.isMissing ? undefined : await secret.readCurrent();
  const document = readDocument(before, secret.id);
  requireCredentialsSecret(document, secret.id);
  const redirect = chooseRedirect(options, document.members.redirect_uri);
  const tokenEndpoint = findTokenEndpoint(refreshTarget?.deployment, options);
  const place = await describePlace(session, {
    deployment: refreshTarget?.deployment,
    secretId: secret.id,
    secretArn: secret.arn,
    tokenEndpoint,
  });
  terminal.say(`The credentials go to ${place}.`);
  await checkConnection(tokenEndpoint);
  await confirmForeignSecret(document, place);
  if (before !== undefined) await terminal.progress('Testing the permission to write', secret.checkWrite(before));
  await confirmReplacement(session, target, document.members.refresh_token !== undefined, place, options);
  const client = await findClientCredentials(document.members);

  const stored = await authorizeInBrowser(client.clientId, redirect, options, async (authorized) => {
    const store = () => exchangeAndStore(authorized, client, target, document, { tokenEndpoint, place });
    const value = await interruption.protect(store);
    return { value, page: toLastPage(refreshTarget !== undefined) };
  });
  terminal.say(`Stored in secret ${secret.id}: AWSCURRENT is version ${stored.versionId}.`);
  interruption.wouldMean("The new credentials are stored; to see whether the function can use them, run 'status'.");
  await completeTag(target, stored);
  interruption.heed();
  if (refreshTarget === undefined) return finishWithoutProof(options, secret.id, stored.versionId);
  return await prove(session, options, target, refreshTarget, stored.versionId);
}

async function confirmReplacement(
  session: AwsSession,
  { refreshTarget }: AuthorizationTarget,
  hasRefreshToken: boolean,
  place: string,
  options: AuthorizeOptions,
): Promise<void> {
  if (!hasRefreshToken) return;
  const invoked = refreshTarget && (await askStatus(session, refreshTarget));
  const failure = invoked?.kind === 'result' ? invoked.result.details?.lastFailure : undefined;
  const isRejected = failure?.code === 'REAUTHORIZATION_REQUIRED';
  if (isRejected) return terminal.say('Retently rejected the refresh token in the secret. A new one replaces it.');
  terminal.say(
    'The secret has a refresh token that may still work. A new one replaces it. Retently decides what happens to the old grant: it may stay valid, or it may be revoked immediately, together with its access token. If the old grant is used elsewhere, authorize there separately.',
  );
  if (options.yes || (await askYesOrNo(`Replace the refresh token in ${place}?`, 'Pass --yes to confirm.'))) return;
  throw new CommandError(EXIT.attention, 'You did not confirm, so the credentials in the secret were not replaced.');
}

/** Asks even with `--yes`, which does not mean that another program's secret may be changed. */
async function confirmForeignSecret(document: KnownDocument, place: string): Promise<void> {
  const members = findForeignMembers(document);
  if (members.length === 0) return;
  const names = members.map((name) => toPrintable(name)).join(', ');
  terminal.say(`The secret holds other members: ${names}. Another program may use it.`);
  const instead = 'Run the command in a terminal, or choose another secret with --secret-id.';
  if (await askYesOrNo(`Add Retently's credentials to ${place}?`, instead)) return;
  throw new CommandError(EXIT.attention, 'You did not confirm, so no credentials were added to the secret.');
}

/** Invokes the function for its status. A failure does not stop the authorization, which may fix its cause. */
async function askStatus(session: AwsSession, refreshTarget: RefreshTarget): Promise<Invoked | undefined> {
  const asked = invokeFunction(session, refreshTarget, { action: 'status' }).catch(() => undefined);
  return await terminal.progress('Asking the function', asked);
}

async function exchangeAndStore(
  { request, parameters }: Authorized,
  client: ClientCredentials,
  target: AuthorizationTarget,
  before: KnownDocument,
  { tokenEndpoint, place }: { readonly tokenEndpoint: URL; readonly place: string },
): Promise<StoredGrant> {
  const exchanged = exchangeCode(request, parameters, tokenEndpoint, client.clientSecret);
  const grant = await terminal.progress('Exchanging the code', exchanged);
  // No progress is shown, because a question may be on the screen.
  return await keepUntilStored(() => storeGrant(target, before, client, grant, place));
}

/** Adds the tag after the credentials are stored: with the tag first, the fleet would refresh the old ones. */
async function completeTag({ secret, tag }: AuthorizationTarget, { isCreated }: StoredGrant): Promise<void> {
  if (tag === undefined) return;
  if (!isCreated) await secret.addTag(tag);
  terminal.say(`${isCreated ? 'It was created with' : 'It has'} the tag ${formatTag(tag)}.`);
}

function toLastPage(isProofToCome: boolean): LastPage {
  const next = isProofToCome
    ? 'The terminal now refreshes the token once, to prove that it works, and shows the result.'
    : 'The terminal shows the next step.';
  return {
    isGood: true,
    title: 'It worked',
    paragraphs: ['Retently gave access, and the new credentials are stored.', next, 'You can close this page.'],
  };
}

function finishWithoutProof(options: AuthorizeOptions, secretId: string, versionId: string): ExitCode {
  if (options.json) terminal.result(JSON.stringify({ stored: { secretId, versionId }, result: null, fault: null }));
  else
    terminal.result(
      'Authorized. The next tick of the function refreshes the token. This was not tested, because no stack is known.',
    );
  return EXIT.done;
}

/** Forces a refresh, because the grant's access token is fresh. This also retries a rejected refresh token. */
async function prove(
  session: AwsSession,
  options: AuthorizeOptions,
  { secret: { id } }: AuthorizationTarget,
  { deployment }: RefreshTarget,
  versionId: string,
): Promise<ExitCode> {
  const isOfFleet = isFleet(deployment);
  // A new secret has its ARN only now.
  const secret = isOfFleet ? await describeSecret(session, id) : undefined;
  if (isOfFleet && secret === undefined) {
    throw new CommandError(EXIT.attention, `Secret ${id} no longer exists: someone deleted it.`);
  }
  const stored = { secretId: id, versionId };
  return await showRefresh(
    session,
    { deployment, secret },
    { isForced: true, isJson: options.json, extra: { stored } },
  );
}
