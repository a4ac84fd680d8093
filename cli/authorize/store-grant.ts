import type { Secret } from '../aws/secret.ts';
import { CommandError, EXIT } from '../command-error.ts';
import type { ClientCredentials } from '../oauth/client-credentials.ts';
import type { NewGrant } from '../oauth/exchange-code.ts';
import { askYesOrNo } from '../terminal/ask.ts';
import { interruption } from '../terminal/interruption.ts';
import { terminal } from '../terminal/terminal.ts';
import type { AuthorizationTarget } from './authorization-target.ts';
import { hasOtherCredentials, type KnownDocument, readDocument, renderAuthorized } from './authorized-document.ts';
import { GrantGivenUp } from './keep-grant.ts';

/** Tries in case `AWSCURRENT` moves between the read and the swap because the function is running. */
const MAX_STORE_TRIES = 3;

export interface StoredGrant {
  readonly versionId: string;
  /** The secret was created, so it already has its tag. */
  readonly isCreated: boolean;
}

/** Stores a new grant. @throws CommandError if someone stored other credentials since `before` was read */
export async function storeGrant(
  { secret, tag, isMissing }: AuthorizationTarget,
  before: KnownDocument,
  client: ClientCredentials,
  grant: NewGrant,
  place: string,
): Promise<StoredGrant> {
  const render = (document: KnownDocument) => {
    const { secretString, isWhole } = renderAuthorized(document, client, grant);
    if (!isWhole) terminal.say('The access token does not fit into the secret, so only the refresh token is stored.');
    return secretString;
  };
  if (isMissing && tag !== undefined) {
    const versionId = await secret.create(render(before), tag);
    if (versionId !== undefined) return { versionId, isCreated: true };
  }
  return { versionId: await replace(secret, before, render, place), isCreated: false };
}

async function replace(
  secret: Secret,
  before: KnownDocument,
  render: (document: KnownDocument) => string,
  place: string,
): Promise<string> {
  let known = before;
  for (let tries = 0; tries < MAX_STORE_TRIES; tries += 1) {
    const current = await secret.readCurrent();
    const document = readDocument(current, secret.id);
    if (hasOtherCredentials(known, document)) {
      await confirmOverwrite(place);
      known = document;
    }
    const versionId = await secret.replace(current, render(document));
    if (versionId !== undefined) return versionId;
  }
  throw new CommandError(
    EXIT.attention,
    `AWSCURRENT of secret ${secret.id} kept changing (${MAX_STORE_TRIES} attempts): something else is moving it. The new grant was not stored.`,
  );
}

/** Asks if someone stored other credentials meanwhile. @throws GrantGivenUp if theirs are to stay */
async function confirmOverwrite(place: string): Promise<void> {
  const what = 'Someone else stored new credentials while you were authorizing.';
  if (terminal.isInteractive() && !interruption.isPending()) {
    terminal.say(what);
    const isWanted = await askYesOrNo(`Replace theirs with yours in ${place}?`, '').catch(() => false);
    if (isWanted) return;
  }
  const message = `${what} Theirs were kept; yours were not stored. To replace them, run the command again.`;
  throw new GrantGivenUp(EXIT.attention, message);
}
