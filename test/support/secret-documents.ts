import { createHash } from 'node:crypto';
import { parseDocumentEntry } from '../../lambda/core/journal.ts';

export const NOW_MS = Date.UTC(2026, 10, 22, 12);
export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;

/** Document as an operator writes it: never refreshed, so it is due immediately. */
export const CREDENTIALS = {
  client_id: 'client-id-1',
  client_secret: 'client-secret-1',
  refresh_token: 'refresh-1',
} as const;

/** The same after a refresh `ageHours` ago, by a server that gives six hours. */
export function refreshed(ageHours: number, members: object = {}) {
  return {
    ...CREDENTIALS,
    access_token: 'access-1',
    token_type: 'Bearer',
    expires_at: iso(NOW_MS + (6 - ageHours) * HOUR_MS),
    refreshed_at: iso(NOW_MS - ageHours * HOUR_MS),
    ...members,
  };
}

/** Token members after a refresh of `CREDENTIALS` at `NOW_MS` with the fake token endpoint's answer. */
export const NEW_TOKENS = {
  refresh_token: 'refresh-2',
  access_token: 'access-2',
  token_type: 'Bearer',
  expires_at: '2026-11-22T18:00:00.000Z',
  refreshed_at: '2026-11-22T12:00:00.000Z',
  spent_refresh_token_sha256: createHash('sha256').update('refresh-1').digest('hex'),
} as const;

export function iso(ms: number): string {
  return new Date(ms).toISOString();
}

export function toDocumentEntry(members: object, versionId = 'version-of-current', createdAt = NOW_MS) {
  return parseDocumentEntry({ versionId, createdAt, secretString: JSON.stringify(members) }, 'Secret test');
}

/** A legal version id that says what it is for. */
export function versionIdOf(name: string): string {
  return `${name}-`.padEnd(36, '0');
}
