import { hash } from 'node:crypto';

/** Lower-case hex, 64 characters. */
export function sha256(text: string): string {
  return hash('sha256', text, 'hex');
}

/** What logs and events may show of a token: enough to follow its lineage, nothing to use it with. 12 hex characters. */
export function fingerprint(token: string): string {
  return sha256(token).slice(0, 12);
}
