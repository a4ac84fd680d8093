import type { Context } from './context.ts';
import type { Fault } from './fault.ts';
import { fingerprint } from './fingerprint.ts';
import type { DocumentEntry } from './journal.ts';
import type { Announcement } from './ports.ts';

/** What this run knows of the refresh beyond the document; all absent where it only finished another run's work. */
export interface Attempted {
  readonly attempt?: number;
  readonly isRecovery?: boolean;
}

/** Whoever moved `AWSCURRENT` tells the world: metrics, then events. Never throws. */
export async function announceRefreshed(
  { telemetry, events }: Context,
  { versionId, document: { members } }: DocumentEntry,
  { attempt, isRecovery }: Attempted,
): Promise<void> {
  const { access_token, refresh_token, expires_at: expiresAt, spent_refresh_token_sha256 } = members;
  const fingerprints = {
    accessToken: access_token && fingerprint(access_token),
    refreshToken: refresh_token && fingerprint(refresh_token),
    spentRefreshToken: spent_refresh_token_sha256?.slice(0, 12),
  };
  const rotated = fingerprints.refreshToken !== fingerprints.spentRefreshToken;
  telemetry.countRefreshed();
  const announcement: Announcement = { type: 'refreshed', versionId, expiresAt, rotated, attempt, fingerprints };
  await events.publish(isRecovery ? [announcement, { ...announcement, type: 'recovered' }] : [announcement]);
}

/** Once for each failed attempt, not for every run that finds it failed. Never throws. */
export async function announceFailed(
  { events }: Context,
  { versionId }: DocumentEntry,
  fault: Fault,
  attempt: number,
): Promise<void> {
  const announcement: Announcement = { type: 'failed', versionId, attempt, code: fault.name };
  const needsReauthorization = fault.name === 'REAUTHORIZATION_REQUIRED';
  await events.publish(
    needsReauthorization ? [announcement, { ...announcement, type: 'reauthorizationRequired' }] : [announcement],
  );
}
