import type { Context } from './context.ts';
import { type CredentialsDocument, expiresAt } from './credentials.ts';
import type { Fault } from './fault.ts';
import { fingerprint } from './fingerprint.ts';
import { judgeFault } from './health.ts';
import type { DocumentEntry } from './journal.ts';
import type { Announcement } from './ports.ts';

/** Returns fingerprints that show which token was exchanged for which. */
export function lineage({ members }: CredentialsDocument): { refreshToken?: string; spentRefreshToken?: string } {
  const { refresh_token, spent_refresh_token_sha256: spent } = members;
  // An operator may have put anything there: only a hash is shown.
  const hash = spent?.match(/^[0-9a-f]{64}$/)?.[0];
  return {
    ...(refresh_token !== undefined && { refreshToken: fingerprint(refresh_token) }),
    ...(hash !== undefined && { spentRefreshToken: hash.slice(0, 12) }),
  };
}

/** Facts about the refresh that the document does not hold. All are absent if this run only completed another run's work. */
export interface Attempted {
  readonly attempt?: number;
  readonly isRecovery?: boolean;
}

/** Publishes metrics, then events, for the run that moved `AWSCURRENT`. Never throws. */
export async function announceRefreshed(
  { settings: { secretId }, telemetry, events }: Context,
  { versionId, document }: DocumentEntry,
  { attempt, isRecovery }: Attempted = {},
): Promise<void> {
  const { access_token } = document.members;
  const fingerprints = { accessToken: access_token && fingerprint(access_token), ...lineage(document) };
  const rotated = fingerprints.refreshToken !== fingerprints.spentRefreshToken;
  telemetry.countRefreshed();
  const announcement: Announcement = {
    type: 'refreshed',
    secretId,
    versionId,
    expiresAt: expiresAt(document),
    rotated,
    attempt,
    fingerprints,
  };
  await events.publish(isRecovery ? [announcement, { ...announcement, type: 'recovered' }] : [announcement]);
}

/**
 * Publishes a failed attempt once, and not in every run that finds it failed. Never throws.
 *
 * @param isNewlyProbable from this attempt on, the grant is assumed to be revoked, although no answer said so
 */
export async function announceFailed(
  { settings: { secretId }, events }: Context,
  { versionId, document }: DocumentEntry,
  fault: Fault,
  attempt: number,
  isNewlyProbable = false,
): Promise<void> {
  const failed: Announcement = {
    type: 'failed',
    secretId,
    versionId,
    expiresAt: expiresAt(document),
    attempt,
    code: fault.name,
    ...judgeFault(fault.name, fault.failureCause),
  };
  const reauthorizationRequired: Announcement = { ...failed, type: 'reauthorizationRequired' };
  const announcements = [failed];
  if (fault.name === 'REAUTHORIZATION_REQUIRED') announcements.push(reauthorizationRequired);
  if (isNewlyProbable) announcements.push({ ...reauthorizationRequired, probable: true });
  await events.publish(announcements);
}
