import { hasTag, isSameSecret } from '../../lambda/contract.ts';
import { CommandError, EXIT } from '../command-error.ts';
import { type AccountDeployment, isFleet, nameOf, type RefreshTarget } from './deployment.ts';
import { findDeployment, type Whereabouts } from './find-deployments.ts';
import { formatTag } from './fleet-tag.ts';
import type { AwsSession } from './session.ts';

/**
 * What refreshes the secret that is named, or without a name the only one of a deployment.
 *
 * @throws CommandError if it refreshes no such secret, or several
 */
export async function findRefreshTarget(
  session: AwsSession,
  { secretId, ...whereabouts }: Whereabouts & { readonly secretId?: string | undefined },
): Promise<RefreshTarget> {
  const deployment = await findDeployment(session, whereabouts);
  if (!isFleet(deployment)) {
    requireOwnSecret(deployment, secretId);
    return { deployment };
  }
  if (secretId === undefined) {
    const message = `${nameOf(deployment)} is a fleet: it refreshes each of its secrets that is due by itself. Name one of them with --secret-id; 'status' lists them.`;
    throw new CommandError(EXIT.unable, message);
  }
  // Loaded for a fleet alone: a refresh of an account reads no secret.
  const { describeSecret } = await import('./fleet-secrets.ts');
  const secret = await describeSecret(session, secretId);
  if (secret === undefined) {
    const message = `There is no secret ${secretId} beside fleet ${nameOf(deployment)}. Check --secret-id and --region.`;
    throw new CommandError(EXIT.unable, message);
  }
  if (hasTag(secret.tags, deployment.tag)) return { deployment, secret };
  throw new CommandError(
    EXIT.attention,
    `Secret ${secret.name} does not have the tag ${formatTag(deployment.tag)}, so fleet ${nameOf(deployment)} does not keep it. Tag it with ${session.tagCommand(secret.name, deployment.tag)}, or name another one with --secret-id.`,
  );
}

/** @throws CommandError if another one is named */
export function requireOwnSecret(
  { refreshFunction, secretId }: AccountDeployment,
  namedSecretId: string | undefined,
): void {
  if (namedSecretId === undefined || isSameSecret(namedSecretId, secretId)) return;
  throw new CommandError(
    EXIT.unable,
    `Function ${refreshFunction.name} refreshes secret ${secretId}, not ${namedSecretId}. Leave --secret-id out.`,
  );
}
