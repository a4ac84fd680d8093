import { InvalidArgumentError } from 'commander';
import { isTokenEndpoint } from '../../lambda/contract.ts';
import { isRedirectUri } from './redirect-target.ts';

export const DEFAULT_AUTHORIZATION_ENDPOINT = 'https://app.retently.com/api/oauth/authorize';

/** Of what {@link parseEndpoint} has let through. */
export function isLoopback({ protocol }: URL): boolean {
  return protocol === 'http:';
}

/** An option whose value is an https: URL, or http: on loopback. */
export function parseEndpoint(text: string): URL {
  if (isTokenEndpoint(text, { isLoopbackAllowed: true })) return new URL(text);
  throw new InvalidArgumentError('Must be an https: URL without user name and fragment (http: only on loopback).');
}

/** As it was given: an authorization server compares it with what was registered, character by character. */
export function parseRedirectUri(text: string): string {
  if (isRedirectUri(text)) return text;
  throw new InvalidArgumentError('Must be an https: URL without user name and fragment (http: only on loopback).');
}
