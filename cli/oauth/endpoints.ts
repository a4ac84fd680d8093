import { InvalidArgumentError } from 'commander';
import { isTokenEndpoint } from '../../lambda/contract.ts';
import { isRedirectUri } from './redirect-target.ts';

export const DEFAULT_AUTHORIZATION_ENDPOINT = 'https://app.retently.com/api/oauth/authorize';

/** Returns whether an endpoint that {@link parseEndpoint} has accepted is on loopback. */
export function isLoopback({ protocol }: URL): boolean {
  return protocol === 'http:';
}

/** Parses an option whose value is an https: URL, or http: on loopback. */
export function parseEndpoint(text: string): URL {
  if (isTokenEndpoint(text, { isLoopbackAllowed: true })) return new URL(text);
  throw new InvalidArgumentError('Must be an https: URL without a user name or a fragment (http: only on loopback).');
}

/** Parses a redirect URI and returns it unchanged, because servers compare it character by character. */
export function parseRedirectUri(text: string): string {
  if (isRedirectUri(text)) return text;
  throw new InvalidArgumentError('Must be an https: URL without a user name or a fragment (http: only on loopback).');
}
