import { DEFAULTS } from '../../lambda/contract.ts';
import { askYesOrNo } from '../ask.ts';
import { hasOtherCredentials, type KnownDocument, readDocument, renderAuthorized } from '../authorized-document.ts';
import { type Deployment, findDeployment } from '../aws/find-deployments.ts';
import { type Invoked, invokeFunction } from '../aws/invoke-function.ts';
import { Secret } from '../aws/secret.ts';
import { CommandError, EXIT, type ExitCode } from '../command-error.ts';
import { interruption } from '../interruption.ts';
import { type Authorized, authorizeInBrowser } from '../oauth/authorize-in-browser.ts';
import { type ClientCredentials, findClientCredentials } from '../oauth/client-credentials.ts';
import { toRedirectUri } from '../oauth/endpoints.ts';
import { exchangeCode, type NewGrant } from '../oauth/exchange-code.ts';
import type { LastPage } from '../oauth/last-page.ts';
import type { AuthorizeOptions } from '../options.ts';
import { showRefresh } from '../status/show-refresh.ts';
import { terminal } from '../terminal.ts';

/** `AWSCURRENT` may move between a read and the swap: the function is at work. */
const MAX_STORE_TRIES = 3;

interface Target {
  readonly secret: Secret;
  /** `undefined` if only the secret was named: then nothing can be proved. */
  readonly deployment: Deployment | undefined;
}

export async function authorize(options: AuthorizeOptions): Promise<ExitCode> {
  interruption.wouldMean('Nothing was stored.');
  const target = await findTarget(options);
  const { secret, deployment } = target;
  const before = await secret.readCurrent();
  const document = readDocument(before, secret.id);
  await confirmReplacement(target, document.members.refresh_token !== undefined, options);
  const client = await findClientCredentials(document.members);
  const redirectUri = options.redirectUri ?? toRedirectUri(document.members.redirect_uri);

  const versionId = await authorizeInBrowser(client.clientId, { ...options, redirectUri }, async (authorized) => {
    const store = () => exchangeAndStore(authorized, client, secret, document, options, deployment);
    const value = await interruption.protect(store);
    return { value, page: toLastPage(deployment !== undefined) };
  });
  terminal.say(`Stored in secret ${secret.id}: AWSCURRENT is version ${versionId}.`);
  interruption.wouldMean("The new credentials are stored; look with 'status' how the function gets on with them.");
  interruption.heed();
  if (deployment === undefined) return finishWithoutProof(options, secret.id, versionId);
  return await prove(options, deployment, versionId);
}

async function findTarget(options: AuthorizeOptions): Promise<Target> {
  if (options.secretId !== undefined && options.stack === undefined && options.functionName === undefined) {
    return { secret: new Secret(options.secretId, options), deployment: undefined };
  }
  const deployment = await terminal.progress('Looking for the stack', findDeployment(options, options));
  const { name, secretId } = deployment.refreshFunction;
  if (options.secretId !== undefined && !isSameSecret(options.secretId, secretId)) {
    throw new CommandError(
      EXIT.unable,
      `Function ${name} refreshes secret ${secretId}, not ${options.secretId}. Leave --secret-id out.`,
    );
  }
  return { secret: new Secret(secretId, options), deployment };
}

/** A secret is named by its name or by its ARN, which ends in its name and six characters. */
function isSameSecret(one: string, other: string): boolean {
  return one === other || [`${one} ${other}`, `${other} ${one}`].some((pair) => /:secret:(.+)-\w{6} \1$/.test(pair));
}

async function confirmReplacement(
  { deployment }: Target,
  hasRefreshToken: boolean,
  options: AuthorizeOptions,
): Promise<void> {
  if (!hasRefreshToken) return;
  const invoked = deployment && (await askStatus(deployment, options));
  const isDead = invoked?.kind === 'result' && invoked.result.details?.lastFailure?.code === 'REAUTHORIZATION_REQUIRED';
  if (isDead) return terminal.say('Retently refused the refresh token in the secret, so a new one takes its place.');
  terminal.say(
    'The secret has a refresh token that may still work. A new one takes its place; what becomes of the old grant is up to Retently: it may live on unused, or end at once, with its bearer token. Other places that use it have to be authorized on their own.',
  );
  if (options.yes || (await askYesOrNo('Replace it?', 'Say yes with --yes.'))) return;
  throw new CommandError(EXIT.attention, 'Nothing was changed: the credentials in the secret stay.');
}

/** What cannot be asked does not stop an authorization, which may be what mends it. */
async function askStatus({ refreshFunction }: Deployment, options: AuthorizeOptions): Promise<Invoked | undefined> {
  const asked = invokeFunction(refreshFunction, { action: 'status' }, options).catch(() => undefined);
  return await terminal.progress('Asking the function', asked);
}

async function exchangeAndStore(
  { request, parameters }: Authorized,
  client: ClientCredentials,
  secret: Secret,
  before: KnownDocument,
  options: AuthorizeOptions,
  deployment: Deployment | undefined,
): Promise<string> {
  const tokenEndpoint =
    options.tokenEndpoint ?? new URL(deployment?.refreshFunction.tokenEndpoint ?? DEFAULTS.tokenEndpoint);
  const exchanged = exchangeCode(request, parameters, tokenEndpoint, client.clientSecret);
  const grant = await terminal.progress('Trading the code for a grant', exchanged);
  return await terminal.progress('Storing it', store(secret, before, client, grant));
}

async function store(
  secret: Secret,
  before: KnownDocument,
  client: ClientCredentials,
  grant: NewGrant,
): Promise<string> {
  for (let tries = 0; tries < MAX_STORE_TRIES; tries += 1) {
    const current = await secret.readCurrent();
    const document = readDocument(current, secret.id);
    if (hasOtherCredentials(before, document)) {
      throw new CommandError(
        EXIT.attention,
        'The secret changed meanwhile: somebody put other credentials into it. They stay, and the new grant was not stored. Look at who it was, and run the command again if yours shall take their place.',
      );
    }
    const versionId = await secret.replace(current, renderAuthorized(document, client, grant));
    if (versionId !== undefined) return versionId;
  }
  throw new CommandError(
    EXIT.attention,
    `AWSCURRENT of secret ${secret.id} did not come to rest in ${MAX_STORE_TRIES} tries: others keep moving it. The new grant was not stored; run the command again.`,
  );
}

function toLastPage(isProofToCome: boolean): LastPage {
  const next = isProofToCome
    ? 'The terminal now refreshes the token once, to prove that it works, and shows the result.'
    : 'The terminal says what comes next.';
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
      'Authorized. The next tick of the function refreshes the token; without --stack, that was not tried.',
    );
  return EXIT.done;
}

/** Forced, for the bearer token that came with the grant is fresh; past a refusal of the same refresh token, too. */
async function prove(options: AuthorizeOptions, deployment: Deployment, versionId: string): Promise<ExitCode> {
  const stored = { secretId: deployment.refreshFunction.secretId, versionId };
  return await showRefresh(deployment, { action: 'refresh', force: true }, options, { stored });
}
