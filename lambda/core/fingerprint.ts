import { hash } from 'node:crypto';

/** Lower-case hex, 64 characters. */
export function sha256(text: string): string {
  return hash('sha256', text, 'hex');
}

/** Returns the part of a token's hash that logs and events may show: 12 hex characters, enough to follow its lineage. */
export function fingerprint(token: string): string {
  return sha256(token).slice(0, 12);
}
