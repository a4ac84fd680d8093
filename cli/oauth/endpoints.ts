import { InvalidArgumentError } from 'commander';

const LOOPBACK_HOSTS = new Set(['127.0.0.1', '[::1]', 'localhost']);

export const DEFAULT_AUTHORIZATION_ENDPOINT = 'https://app.retently.com/api/oauth/authorize';

export function isLoopback({ protocol, hostname }: URL): boolean {
  return protocol === 'http:' && LOOPBACK_HOSTS.has(hostname);
}

/** An option whose value is an https: URL, or http: on loopback. */
export function parseEndpoint(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && url.hash === '' && (url.protocol === 'https:' || isLoopback(url))) return url;
  throw new InvalidArgumentError('It is no https: URL without fragment (http: on loopback alone).');
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
