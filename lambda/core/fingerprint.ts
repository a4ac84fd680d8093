import { hash } from 'node:crypto';

/** Returns lowercase hex, 64 characters. */
export function sha256(text: string): string {
  return hash('sha256', text, 'hex');
}

/** Returns the part of a token's hash that logs and events may show: 12 hex characters, which show its lineage and open nothing. */
export function fingerprint(token: string): string {
  return sha256(token).slice(0, 12);
}
