import { InvalidArgumentError } from 'commander';
import { isTokenEndpoint } from '../../lambda/contract.ts';

export const DEFAULT_AUTHORIZATION_ENDPOINT = 'https://app.retently.com/api/oauth/authorize';

/** Of what {@link parseEndpoint} has let through. */
export function isLoopback({ protocol }: URL): boolean {
  return protocol === 'http:';
}

/** An option whose value is an https: URL, or http: on loopback. */
export function parseEndpoint(text: string): URL {
  if (isTokenEndpoint(text, { isLoopbackAllowed: true })) return new URL(text);
  throw new InvalidArgumentError('It is no https: URL without user name and fragment (http: on loopback alone).');
}

/** As it was given: an authorization server compares it with what was registered, character by character. */
export function parseRedirectUri(text: string): string {
  parseEndpoint(text);
  return text;
}

/** The member `redirect_uri` of a secret: what it sends with each refresh is what the application has registered. */
export function toRedirectUri(text: string | undefined): string | undefined {
  return text !== undefined && URL.canParse(text) ? text : undefined;
}
