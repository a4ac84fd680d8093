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

/** `AWSCURRENT` may move between a read and the swap: the function is at work. */
const MAX_STORE_TRIES = 3;

export interface StoredGrant {
  readonly versionId: string;
  /** The secret was created, and so it has its tag. */
  readonly isCreated: boolean;
}

/** @throws CommandError if somebody brought other credentials since `before` was read */
export async function storeGrant(
  { secret, tag, isMissing }: AuthorizationTarget,
  before: KnownDocument,
  client: ClientCredentials,
  grant: NewGrant,
): Promise<StoredGrant> {
  if (isMissing && tag !== undefined) {
    const versionId = await secret.create(renderAuthorized(before, client, grant), tag);
    if (versionId !== undefined) return { versionId, isCreated: true };
  }
  return { versionId: await replace(secret, before, client, grant), isCreated: false };
}

async function replace(
  secret: Secret,
  before: KnownDocument,
  client: ClientCredentials,
  grant: NewGrant,
): Promise<string> {
  let known = before;
  for (let tries = 0; tries < MAX_STORE_TRIES; tries += 1) {
    const current = await secret.readCurrent();
    const document = readDocument(current, secret.id);
    if (hasOtherCredentials(known, document)) {
      await confirmOverwrite(secret.id);
      known = document;
    }
    const versionId = await secret.replace(current, renderAuthorized(document, client, grant));
    if (versionId !== undefined) return versionId;
  }
  throw new CommandError(
    EXIT.attention,
    `AWSCURRENT of secret ${secret.id} did not come to rest in ${MAX_STORE_TRIES} tries: others keep moving it. The new grant was not stored; run the command again.`,
  );
}

/** Asks if someone stored other credentials meanwhile. @throws GrantGivenUp if theirs are to stay */
async function confirmOverwrite(secretId: string): Promise<void> {
  const what = 'Someone else stored new credentials while you were authorizing.';
  if (terminal.isInteractive() && !interruption.isPending()) {
    terminal.say(what);
    const isWanted = await askYesOrNo(`Replace theirs in secret ${secretId} with yours?`, '').catch(() => false);
    if (isWanted) return;
  }
  const message = `${what} Theirs were kept; yours were not stored. To replace them, run the command again.`;
  throw new GrantGivenUp(EXIT.attention, message);
}
