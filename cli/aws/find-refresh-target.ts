import { hasTag, isSameSecret } from '../../lambda/contract.ts';
import { CommandError, EXIT } from '../command-error.ts';
import { type AccountDeployment, isFleet, nameOf, type RefreshTarget } from './deployment.ts';
import { findDeployment, type Whereabouts } from './find-deployments.ts';
import { formatTag } from './fleet-tag.ts';
import type { AwsSession } from './session.ts';

/**
 * Finds the function that refreshes the given secret, or the only secret of a deployment.
 *
 * @throws CommandError if the deployment does not refresh the secret, or has several secrets and none is given
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
    const message = `${nameOf(deployment)} is a fleet with many secrets. Choose one with --secret-id; 'status' lists them.`;
    throw new CommandError(EXIT.unable, message);
  }
  // Loaded only for a fleet: a refresh of an account reads no secret.
  const { describeSecret } = await import('./fleet-secrets.ts');
  const secret = await describeSecret(session, secretId);
  if (secret === undefined) {
    const message = `There is no secret ${secretId} in the region of fleet ${nameOf(deployment)}. Check --secret-id and --region.`;
    throw new CommandError(EXIT.unable, message);
  }
  if (hasTag(secret.tags, deployment.tag)) return { deployment, secret };
  throw new CommandError(
    EXIT.attention,
    `Secret ${secret.name} does not have the tag ${formatTag(deployment.tag)}, so fleet ${nameOf(deployment)} does not refresh it. Add the tag (${session.tagCommand(secret.name, deployment.tag)}), or choose another secret with --secret-id.`,
  );
}

/** Checks that --secret-id is the function's own secret. @throws CommandError if it is another one */
export function requireOwnSecret(
  { refreshFunction, secretId }: AccountDeployment,
  namedSecretId: string | undefined,
): void {
  if (namedSecretId === undefined || isSameSecret(namedSecretId, secretId)) return;
  throw new CommandError(
    EXIT.unable,
    `Function ${refreshFunction.name} refreshes secret ${secretId}, not ${namedSecretId}. Omit --secret-id.`,
  );
}
