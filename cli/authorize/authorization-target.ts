import { hasTag, isSameSecret } from '../../lambda/contract.ts';
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
import { toTokenSecretFailure } from './authorized-document.ts';
import { describePlace, findTokenEndpoint } from './place.ts';

/** Secret for the new credentials, and the function that refreshes it. */
export interface AuthorizationTarget {
  readonly secret: Secret;
  /** `undefined` if no function is known that refreshes the secret. Then the command cannot prove the credentials. */
  readonly refreshTarget: RefreshTarget | undefined;
  /** Tag that the secret gets when the credentials are stored. */
  readonly tag: SecretTag | undefined;
  /** The secret does not exist. It is created with the tag and with the credentials in it. */
  readonly isMissing: boolean;
}

/** Finds the target, and asks before a secret is to be created or tagged. @throws CommandError if there is none */
export async function findTarget(session: AwsSession, options: AuthorizeOptions): Promise<AuthorizationTarget> {
  const isSecretAlone =
    options.secretId !== undefined && options.stack === undefined && options.functionName === undefined;
  const deployment = isSecretAlone
    ? await terminal.progress('Looking for a fleet', findOnlyFleet(session, options.secretId, options.tag))
    : await terminal.progress('Looking for the stack', findDeployment(session, options));
  if (deployment === undefined || isFleet(deployment)) return await findTagged(session, deployment, options);
  requireOwnSecret(deployment, options.secretId);
  if (options.tag !== undefined) {
    const message = `${nameOf(deployment)} has only one secret, which needs no tag. Omit --tag.`;
    throw new CommandError(EXIT.unable, message);
  }
  return {
    secret: new Secret(session, deployment.secretId),
    refreshTarget: { deployment },
    tag: undefined,
    isMissing: false,
  };
}

/** Returns the only deployment, if it is a fleet. Someone who may write a secret need not be allowed to list functions: then there is none. */
async function findOnlyFleet(
  session: AwsSession,
  secretId: string,
  tag: SecretTag | undefined,
): Promise<Fleet | undefined> {
  const found = await findDeployments(session, {}).catch((error: unknown) => {
    if (error instanceof CommandError) return [];
    throw error;
  });
  const owner = found.find((each) => !isFleet(each) && isSameSecret(each.tokenSecretId ?? '', secretId));
  if (owner !== undefined) throw toTokenSecretFailure(secretId);
  const [only] = found.length === 1 ? found : [];
  if (only === undefined || !isFleet(only)) return undefined;
  return tag === undefined || isTagOf(only, tag) ? only : undefined;
}

async function findTagged(
  session: AwsSession,
  fleet: Fleet | undefined,
  options: AuthorizeOptions,
): Promise<AuthorizationTarget> {
  const { secretId } = options;
  if (secretId === undefined) {
    const name = fleet === undefined ? 'This' : nameOf(fleet);
    const message = `${name} is a fleet with many secrets (region ${await session.region()}). Choose one with --secret-id. A secret that does not exist is created.`;
    throw new CommandError(EXIT.unable, message);
  }
  const secret = new Secret(session, secretId);
  const tag = options.tag ?? (fleet && toSecretTag(fleet.tag));
  if (tag === undefined) return { secret, refreshTarget: undefined, tag: undefined, isMissing: false };
  if (fleet !== undefined && !isTagOf(fleet, tag)) {
    const message = `--tag ${formatTag(tag)} contradicts fleet ${nameOf(fleet)}, whose tag is ${formatTag(fleet.tag)}. Omit --tag.`;
    throw new CommandError(EXIT.unable, message);
  }
  const described = await describeSecret(session, secretId);
  const placeOf = (secretArn: string | undefined) =>
    describePlace(session, {
      deployment: fleet,
      secretId,
      secretArn,
      tokenEndpoint: findTokenEndpoint(fleet, options),
    });
  if (described === undefined) {
    await confirmCreation(secretId, tag, options, await placeOf(undefined));
    return { secret, refreshTarget: fleet && { deployment: fleet }, tag, isMissing: true };
  }
  const refreshTarget = fleet && { deployment: fleet, secret: described };
  if (hasTag(described.tags, fleet?.tag ?? tag)) return { secret, refreshTarget, tag: undefined, isMissing: false };
  const isWanted = await confirmTag(described, tag, options, await placeOf(described.arn));
  if (isWanted) return { secret, refreshTarget, tag, isMissing: false };
  terminal.say('The secret stays without that tag, so no function is invoked to refresh it.');
  return { secret, refreshTarget: undefined, tag: undefined, isMissing: false };
}

async function confirmCreation(
  secretId: string,
  tag: SecretTag,
  options: AuthorizeOptions,
  place: string,
): Promise<void> {
  if (secretId.startsWith('arn:')) {
    const message = `There is no secret ${secretId}. Check --secret-id and --region. To create a secret, pass its name instead of an ARN.`;
    throw new CommandError(EXIT.unable, message);
  }
  const what = `There is no secret ${secretId}.`;
  if (isAgreed(options)) {
    terminal.say(`${what} The command creates it with the tag ${formatTag(tag)} when it stores the credentials.`);
    return;
  }
  const question = `${what} Create it with the tag ${formatTag(tag)} (${place})?`;
  const isWanted = await askYesOrNo(question, 'Pass --yes to confirm.');
  if (!isWanted)
    throw new CommandError(EXIT.attention, 'You did not confirm, so the secret was not created. Nothing was changed.');
}

async function confirmTag(
  { name, tags }: DescribedSecret,
  tag: SecretTag,
  options: AuthorizeOptions,
  place: string,
): Promise<boolean> {
  const old = tags.get(tag.key);
  const instead = old === undefined ? '' : `, but ${formatTag({ key: tag.key, value: old })}`;
  const what = `Secret ${name} does not have the tag ${formatTag(tag)}${instead}. A fleet refreshes only secrets with its tag.`;
  if (!isAgreed(options)) return await askYesOrNo(`${what} Add the tag (${place})?`, 'Pass --yes to confirm.');
  terminal.say(`${what} The command adds the tag after it has stored the credentials.`);
  return true;
}

/** Returns whether the options already answer the question: with `--tag`, the tag is wanted. */
function isAgreed({ yes, tag }: AuthorizeOptions): boolean {
  return yes || tag !== undefined;
}

function isTagOf(fleet: Fleet, { key, value }: SecretTag): boolean {
  return hasTag(new Map([[key, value]]), fleet.tag);
}
