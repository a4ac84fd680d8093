import { brotliCompressSync, gzipSync } from 'node:zlib';
import type { Action } from '../../lambda/contract.ts';
import type { Step } from '../sandbox/oauth/scripted-token-endpoint.ts';
import { plantSecret, plantToken } from '../support/in-sandbox.ts';

/** Responses of a token endpoint, and their expected results. */
export interface Answer {
  readonly name: string;
  readonly script: readonly Step[];
  /** The outcome, or the code of the error. */
  readonly ending: string;
  /** Action that `status` advises afterwards. */
  readonly action: Action;
  /** POSTs that were read to their end. */
  readonly posts: number;
  /** Members of AWSCURRENT afterwards. @default it stays as it is */
  readonly stored?: object;
  /** Seconds left afterwards. */
  readonly lifetimeSeconds?: number;
}

const AMBIGUOUS = { ending: 'PROVIDER_AMBIGUOUS', action: 'askProvider', posts: 3 } as const;
const UNAVAILABLE = { ending: 'PROVIDER_UNAVAILABLE', posts: 1 } as const;
const UNRECOGNIZED = { ...UNAVAILABLE, action: 'fixClientOrReauthorize' } as const;
const INTERCEPTED = { ...UNAVAILABLE, action: 'fixNetwork' } as const;
const MISDIRECTED = { ...UNAVAILABLE, action: 'fixConfiguration' } as const;
const THROTTLED = { ...UNAVAILABLE, action: 'askProvider' } as const;
const DAY_SECONDS = 86_400;
const SIX_HOURS = 21_600;

export const GOOD_ANSWERS: readonly Answer[] = [
  good('no expires_in', {}, SIX_HOURS),
  good('expires_in as a string', { expires_in: '3600' }, 3600),
  good('expires_in of zero', { expires_in: 0 }, SIX_HOURS),
  good('a negative expires_in', { expires_in: -5 }, SIX_HOURS),
  good('a huge expires_in', { expires_in: 1e12 }, SIX_HOURS),
  good('expires_in as words', { expires_in: 'soon' }, SIX_HOURS),
  good('expires_in of a day, longer than the default', { expires_in: DAY_SECONDS }, SIX_HOURS),
  good('expires_in in milliseconds', { expires_in: SIX_HOURS * 1_000 }, SIX_HOURS),
  good('expires_in of an hour', { expires_in: 3_600 }, 3_600),
  good('no token_type', { token_type: undefined }, SIX_HOURS, { token_type: 'Bearer' }),
  good('another token_type', { token_type: 'MAC' }, SIX_HOURS, { token_type: 'MAC' }),
  expiring('no expires_in, and a JWT of five hours', 5 * 3_600),
  good('no expires_in, and a JWT that has expired', { access_token: jwtOf(-60) }, SIX_HOURS),
  good('expires_in of two hours, and a JWT of one', { access_token: jwtOf(3_600), expires_in: 7_200 }, 7_200),
  good('an id_token of 17,000 characters', { id_token: 'x'.repeat(17_000) }, SIX_HOURS),
  good('an id_token of 1,000,000 characters', { id_token: 'x'.repeat(1_000_000) }, SIX_HOURS),
  good('an access token of 60,000 characters', { access_token: 'x'.repeat(60_000) }, SIX_HOURS),
  good('3 MiB behind the tokens', { zeros: '0'.repeat(3 * 1024 * 1024) }, SIX_HOURS),
  good('members of the wrong type', { refresh_token: 7, token_type: [], scope: { deep: plantSecret() } }, SIX_HOURS),
];

/** An answer that was received is never lost because of how it was wrapped. */
export const WRAPPED_ANSWERS: readonly Answer[] = [
  wrapped('gzip', (text) => ({ status: 200, headers: { 'content-encoding': 'gzip' }, body: gzipSync(text) })),
  wrapped('gzip without a content-encoding', (text) => ({ status: 200, body: gzipSync(text) })),
  wrapped('br', (text) => ({ status: 200, headers: { 'content-encoding': 'br' }, body: brotliCompressSync(text) })),
  wrapped('one byte of Latin-1', (text) => ({
    status: 200,
    body: Buffer.from(text.replace('{', '{"account":"Caf\u00e9",'), 'latin1'),
  })),
  wrapped('UTF-16 with its mark', (text) => ({ status: 200, body: Buffer.from(`\ufeff${text}`, 'utf16le') })),
  wrapped('a form', (text) => ({ status: 200, body: new URLSearchParams(JSON.parse(text)).toString() })),
  wrapped('a length and chunks together', (text) => ({
    raw: Buffer.from(
      `HTTP/1.1 200 OK\r\ncontent-length: 7\r\ntransfer-encoding: chunked\r\n\r\n${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`,
    ),
  })),
  wrapped('bare line feeds', (text) => ({ raw: Buffer.from(`HTTP/1.1 200 OK\nx: y\n\n${text}`) })),
  wrapped('headers of 40 KiB', (text) => ({
    raw: Buffer.from(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(40_960)}\r\n\r\n${text}`),
  })),
  wrapped('headers of 900 KiB', (text) => ({
    raw: Buffer.from(`HTTP/1.1 200 OK\r\n${`x: ${'y'.repeat(1_020)}\r\n`.repeat(900)}\r\n${text}`),
  })),
  wrapped('gzip of 3 MiB', (text) => ({
    status: 200,
    headers: { 'content-encoding': 'gzip' },
    body: gzipSync(`${text.slice(0, -1)},"zeros":"${'0'.repeat(3 * 1024 * 1024)}"}`),
  })),
  wrapped('a body that ends early but whole', (text) => ({
    raw: Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n${text}`),
  })),
];

/** An answer without a refresh token keeps the old one. */
export const UNROTATED: readonly Answer[] = [
  good('no refresh_token', { refresh_token: undefined }, SIX_HOURS),
  good('a refresh_token of null', { refresh_token: null }, SIX_HOURS),
  good('an empty refresh_token', { refresh_token: '' }, SIX_HOURS),
];

export const BAD_ANSWERS: readonly Answer[] = [
  { name: '200 with HTML', script: [{ status: 200, body: `<html>${plantSecret()}` }], ...MISDIRECTED },
  { name: '200 with nothing', script: [{ status: 200 }], ...AMBIGUOUS },
  { name: '200 with null', script: [{ status: 200, body: null }], ...AMBIGUOUS },
  { name: '200 with an array', script: [{ status: 200, body: [plantSecret()] }], ...AMBIGUOUS },
  {
    name: '200 with half a JSON',
    script: [{ status: 200, body: JSON.stringify({ access_token: plantToken() }).slice(0, -2) }],
    ...AMBIGUOUS,
  },
  { name: '200 with an unknown error', script: [{ status: 200, body: { error: plantSecret() } }], ...UNRECOGNIZED },
  {
    name: "200 with an error in the words of Retently's API",
    script: [{ status: 200, body: { message: plantSecret(), code: 400, data: null } }],
    ...UNRECOGNIZED,
  },
  refused(200, 'invalid_grant', 'REAUTHORIZATION_REQUIRED', 'reauthorize'),
  refused(400, 'invalid_grant', 'REAUTHORIZATION_REQUIRED', 'reauthorize'),
  refused(401, 'invalid_client', 'CLIENT_REJECTED', 'fixClient'),
  ...['invalid_request', 'invalid_client', 'unauthorized_client', 'unsupported_grant_type', 'invalid_scope'].map(
    (error) => refused(400, error, 'CLIENT_REJECTED', 'fixClient'),
  ),
  { name: '400 with an unknown error', script: [{ status: 400, body: { error: plantSecret() } }], ...UNRECOGNIZED },
  { name: '400 with HTML', script: [{ status: 400, body: plantSecret() }], ...UNRECOGNIZED },
  { name: '401 with nothing', script: [{ status: 401 }], ...UNRECOGNIZED },
  {
    name: '403 with the page of a firewall',
    script: [{ status: 403, headers: { 'content-type': 'text/html' }, body: `<html>${plantSecret()}</html>` }],
    ...INTERCEPTED,
  },
  {
    name: '202 of a challenge',
    script: [{ status: 202, headers: { 'x-amzn-waf-action': 'challenge' } }],
    ...INTERCEPTED,
  },
  { name: '407', script: [{ status: 407, headers: { 'proxy-authenticate': 'Basic' } }], ...INTERCEPTED },
  { name: '400 with nothing', script: [{ status: 400 }], ...UNRECOGNIZED },
  { name: '404', script: [{ status: 404, body: plantSecret() }], ...MISDIRECTED },
  { name: 'a redirect', script: [{ status: 302, headers: { location: '/elsewhere' } }], ...MISDIRECTED },
  {
    name: 'a redirect that keeps the method',
    script: [{ status: 307, headers: { location: '/elsewhere' } }],
    ...MISDIRECTED,
  },
  ...[500, 502, 504, 520].map((status) => ({
    name: `${status}`,
    script: [{ status, body: plantSecret() }],
    ...AMBIGUOUS,
  })),
  // No limit of ours leads to a second POST.
  { name: 'an endless body', script: ['endless-body'], ending: 'PROVIDER_AMBIGUOUS', action: 'askProvider', posts: 1 },
  {
    name: 'the tokens behind 2 MiB',
    script: [{ status: 200, body: { zeros: '0'.repeat(2 * 1024 * 1024), access_token: plantToken() } }],
    ending: 'PROVIDER_AMBIGUOUS',
    action: 'askProvider',
    posts: 1,
  },
  {
    name: '503 with 2 MiB',
    script: [{ status: 503, body: '0'.repeat(2 * 1024 * 1024) }],
    ending: 'PROVIDER_UNAVAILABLE',
    action: 'askProvider',
    posts: 1,
  },
  {
    name: 'headers of 2 MiB',
    script: [{ raw: Buffer.from(`HTTP/1.1 200 OK\r\n${`x: ${'y'.repeat(1_020)}\r\n`.repeat(2_048)}\r\n`) }],
    ending: 'PROVIDER_AMBIGUOUS',
    action: 'askProvider',
    posts: 1,
  },
  {
    name: 'an access token without room for it, and no new refresh token',
    script: [{ status: 200, body: { access_token: 'x'.repeat(66_000) } }],
    ending: 'PROVIDER_UNAVAILABLE',
    action: 'fixConfiguration',
    posts: 1,
  },
  { name: 'a truncated body', script: ['truncated-body'], ...AMBIGUOUS },
  { name: 'a reset after the request', script: ['reset'], ...AMBIGUOUS },
  {
    name: '503 for longer than the run',
    script: [{ status: 503, headers: { 'retry-after': '3600' } }],
    ...THROTTLED,
  },
  {
    name: '429 until tomorrow',
    script: [{ status: 429, headers: { 'retry-after': inSeconds(DAY_SECONDS) } }],
    ...THROTTLED,
  },
  {
    name: '400 with invalid_grant, gzip',
    script: [{ status: 400, body: gzipSync('{"error":"invalid_grant"}') }],
    ending: 'REAUTHORIZATION_REQUIRED',
    action: 'reauthorize',
    posts: 1,
  },
  {
    name: 'a failure, then invalid_grant',
    script: ['reset', { status: 400, body: { error: 'invalid_grant' } }],
    ending: 'REAUTHORIZATION_REQUIRED',
    action: 'reauthorize',
    posts: 2,
  },
];

/** These take the seconds that real back-offs and time-outs take. */
export const SLOW_ANSWERS: readonly Answer[] = [
  {
    ...good('429 with Retry-After in seconds', {}, SIX_HOURS),
    ...after({ status: 429, headers: { 'retry-after': '1' } }),
  },
  { ...good('503 without Retry-After', {}, SIX_HOURS), ...after({ status: 503 }) },
  {
    name: '503 again and again',
    script: [{ status: 503 }],
    ending: 'PROVIDER_UNAVAILABLE',
    action: 'askProvider',
    posts: 4,
  },
  // In one POST: it is not cut off, and not sent again.
  { ...good('an answer after 25 s', {}, SIX_HOURS), ...slow(25_000) },
  { name: 'no answer', script: ['hang'], ending: 'PROVIDER_AMBIGUOUS', action: 'askProvider', posts: 1 },
];

function good(name: string, changes: object, lifetimeSeconds: number, stored: object = {}): Answer {
  const tokens = { access_token: plantToken(), refresh_token: plantToken(), token_type: 'Bearer', ...changes };
  const { access_token, refresh_token } = tokens;
  const rotated = typeof refresh_token === 'string' && refresh_token !== '' ? { refresh_token } : {};
  const script = [{ status: 200, body: tokens }];
  return {
    name,
    script,
    ending: 'refreshed',
    action: 'none',
    posts: 1,
    lifetimeSeconds,
    stored: { access_token, ...rotated, ...stored },
  };
}

/** Tokens of visible ASCII, as in RFC 6749, so that they survive every encoding. */
function wrapped(name: string, wrap: (text: string) => Step): Answer {
  const tokens = { access_token: plantSecret(), refresh_token: plantSecret() };
  const text = JSON.stringify({ ...tokens, expires_in: SIX_HOURS });
  return {
    name,
    script: [wrap(text)],
    ending: 'refreshed',
    action: 'none',
    posts: 1,
    lifetimeSeconds: SIX_HOURS,
    stored: tokens,
  };
}

/** Its lifetime counts from now, not from its answer, so an instant is stored. */
function expiring(name: string, seconds: number): Answer {
  const expirySeconds = Math.floor(Date.now() / 1000) + seconds;
  const access_token = jwtOf(seconds, expirySeconds);
  const stored = { access_token, expires_at: new Date(expirySeconds * 1000).toISOString() };
  return {
    name,
    script: [{ status: 200, body: { access_token } }],
    ending: 'refreshed',
    action: 'none',
    posts: 1,
    stored,
  };
}

function jwtOf(seconds: number, exp = Math.floor(Date.now() / 1000) + seconds): string {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  return [encode({ alg: 'RS256' }), encode({ exp }), plantSecret()].join('.');
}

function slow(slowMs: number): Pick<Answer, 'script' | 'stored' | 'lifetimeSeconds'> {
  const access_token = plantSecret();
  return {
    script: [{ slowMs, answer: { status: 200, body: { access_token } } }],
    stored: { access_token },
    lifetimeSeconds: SIX_HOURS - 25,
  };
}

function refused(status: number, error: string, ending: string, action: Action): Answer {
  const body = { error, error_description: plantSecret() };
  return { name: `${status} with ${error}`, script: [{ status, body }], ending, action, posts: 1 };
}

/** The same answer, behind another one. */
function after(first: Step): Pick<Answer, 'script' | 'posts' | 'stored'> {
  const access_token = plantSecret();
  return { script: [first, { status: 200, body: { access_token } }], posts: 2, stored: { access_token } };
}

function inSeconds(seconds: number): string {
  return new Date(Date.now() + seconds * 1000).toUTCString();
}
