import { hasTag } from '../../lambda/contract.ts';
import { type Fleet, isFleet, nameOf, type RefreshTarget } from '../aws/deployment.ts';
import { findDeployment, findDeployments } from '../aws/find-deployments.ts';
import { requireOwnSecret } from '../aws/find-refresh-target.ts';
import { type DescribedSecret, describeSecret } from '../aws/fleet-secrets.ts';
import { formatTag, type SecretTag, toSecretTag } from '../aws/fleet-tag.ts';
import { Secret } from '../aws/secret.ts';
import type { AwsSession } from '../aws/session.ts';
import { CommandError, EXIT } from '../command-error.ts';
import type { AuthorizeOptions } from '../options.ts';
import { askYesOrNo } from '../terminal/ask.ts';
import { terminal } from '../terminal/terminal.ts';

/** Where the new credentials go. */
export interface AuthorizationTarget {
  readonly secret: Secret;
  /** `undefined` if no function is known that refreshes it: then nothing can be proved. */
  readonly refreshTarget: RefreshTarget | undefined;
  /** What the secret gets once the credentials are stored. */
  readonly tag: SecretTag | undefined;
  /** The secret is not there: it is created with the tag, and with the credentials in it. */
  readonly isMissing: boolean;
}

/** Asks before a secret is to be created or tagged. @throws CommandError if there is no such target */
export async function findTarget(session: AwsSession, options: AuthorizeOptions): Promise<AuthorizationTarget> {
  const isSecretAlone =
    options.secretId !== undefined && options.stack === undefined && options.functionName === undefined;
  const deployment = isSecretAlone
    ? await terminal.progress('Looking for a fleet', findOnlyFleet(session, options))
    : await terminal.progress('Looking for the stack', findDeployment(session, options));
  if (deployment === undefined || isFleet(deployment)) return await findTagged(session, deployment, options);
  requireOwnSecret(deployment, options.secretId);
  if (options.tag !== undefined) {
    const message = `${nameOf(deployment)} has a secret of its own, which needs no tag. Leave --tag out.`;
    throw new CommandError(EXIT.unable, message);
  }
  return {
    secret: new Secret(session, deployment.secretId),
    refreshTarget: { deployment },
    tag: undefined,
    isMissing: false,
  };
}

/** Who may write a secret need not be allowed to look at stacks: then there is none to see. */
async function findOnlyFleet(session: AwsSession, options: AuthorizeOptions): Promise<Fleet | undefined> {
  const found = await findDeployments(session, {}).catch((error: unknown) => {
    if (error instanceof CommandError) return [];
    throw error;
  });
  const [only] = found.length === 1 ? found : [];
  if (only === undefined || !isFleet(only)) return undefined;
  return options.tag === undefined || isTagOf(only, options.tag) ? only : undefined;
}

async function findTagged(
  session: AwsSession,
  fleet: Fleet | undefined,
  options: AuthorizeOptions,
): Promise<AuthorizationTarget> {
  const { secretId } = options;
  if (secretId === undefined) {
    const name = fleet === undefined ? 'This' : nameOf(fleet);
    const message = `${name} is a fleet, which keeps many secrets. Name one of them with --secret-id; one that is not there is created.`;
    throw new CommandError(EXIT.unable, message);
  }
  const secret = new Secret(session, secretId);
  const tag = options.tag ?? (fleet && toSecretTag(fleet.tag));
  if (tag === undefined) return { secret, refreshTarget: undefined, tag: undefined, isMissing: false };
  if (fleet !== undefined && !isTagOf(fleet, tag)) {
    const message = `A secret with the tag ${formatTag(tag)} is none of fleet ${nameOf(fleet)}, whose tag is ${formatTag(fleet.tag)}. Leave --tag out.`;
    throw new CommandError(EXIT.unable, message);
  }
  const described = await describeSecret(session, secretId);
  if (described === undefined) {
    await confirmCreation(secretId, tag, options);
    return { secret, refreshTarget: fleet && { deployment: fleet }, tag, isMissing: true };
  }
  const refreshTarget = fleet && { deployment: fleet, secret: described };
  if (hasTag(described.tags, fleet?.tag ?? tag)) return { secret, refreshTarget, tag: undefined, isMissing: false };
  const isWanted = await confirmTag(described, tag, options);
  if (isWanted) return { secret, refreshTarget, tag, isMissing: false };
  terminal.say('It stays without that tag, and no function is asked to refresh it.');
  return { secret, refreshTarget: undefined, tag: undefined, isMissing: false };
}

async function confirmCreation(secretId: string, tag: SecretTag, options: AuthorizeOptions): Promise<void> {
  if (secretId.startsWith('arn:')) {
    const message = `There is no secret ${secretId}. Check --secret-id and --region; to create one, give its name in place of an ARN.`;
    throw new CommandError(EXIT.unable, message);
  }
  const what = `There is no secret ${secretId}.`;
  if (isAgreed(options)) {
    terminal.say(`${what} It is created with the tag ${formatTag(tag)} once Retently has agreed.`);
    return;
  }
  const isWanted = await askYesOrNo(`${what} Create it with the tag ${formatTag(tag)}?`, 'Say yes with --yes.');
  if (!isWanted) throw new CommandError(EXIT.attention, 'Nothing was changed: the secret is not created.');
}

async function confirmTag(
  { name, tags }: DescribedSecret,
  tag: SecretTag,
  options: AuthorizeOptions,
): Promise<boolean> {
  const old = tags.get(tag.key);
  const instead = old === undefined ? '' : `, but ${formatTag({ key: tag.key, value: old })}`;
  const what = `Secret ${name} does not have the tag ${formatTag(tag)}${instead}. A fleet keeps the secrets with its tag alone.`;
  if (!isAgreed(options)) return await askYesOrNo(`${what} Give it the tag?`, 'Say yes with --yes.');
  terminal.say(`${what} It gets the tag once the new credentials are stored.`);
  return true;
}

/** Who types a tag wants it. */
function isAgreed({ yes, tag }: AuthorizeOptions): boolean {
  return yes || tag !== undefined;
}

function isTagOf(fleet: Fleet, { key, value }: SecretTag): boolean {
  return hasTag(new Map([[key, value]]), fleet.tag);
}
