import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import * as z from 'zod';
import {
  type AuthorizationServer,
  type AuthorizationServerOptions,
  startAuthorizationServer,
} from './authorization-server.ts';

const tokenAnswer = z.object({
  access_token: z.string(),
  refresh_token: z.string(),
  token_type: z.literal('Bearer'),
  expires_in: z.literal(21_600),
});

let nowMs = Date.UTC(2026, 10, 22);
let server: AuthorizationServer;
const consoleCalls = ['log', 'info', 'warn', 'error'] as const;

async function start(kind: AuthorizationServerOptions['kind']): Promise<string> {
  server = await startAuthorizationServer({ kind, graceSeconds: 30, now: () => nowMs });
  return server.mintRefreshToken();
}

afterEach(async () => {
  await server.close();
});

function post(refreshToken: string, changes: Record<string, string> = {}): Promise<Response> {
  const { clientId: client_id, clientSecret: client_secret } = server;
  const form = { grant_type: 'refresh_token', client_id, client_secret, refresh_token: refreshToken, ...changes };
  return fetch(server.url, { method: 'POST', body: new URLSearchParams(form) });
}

async function refresh(refreshToken: string): Promise<string> {
  const response = await post(refreshToken);
  expect(response.status).toBe(200);
  return tokenAnswer.parse(await response.json()).refresh_token;
}

async function expectError(response: Response, status: number, error: string): Promise<void> {
  expect(response.status).toBe(status);
  expect(await response.json()).toMatchObject({ error });
}

describe('rotation', () => {
  let first: string;

  beforeEach(async () => {
    first = await start('rotation');
  });

  test('each refresh token works only once', async () => {
    const second = await refresh(first);
    expect(second).not.toBe(first);
    expect(await server.isLive(first)).toBe(false);
    expect(await server.isLive(second)).toBe(true);
    await refresh(second);
  });

  test('an access token is valid until its grant is revoked', async () => {
    const { access_token: accessToken } = tokenAnswer.parse(await (await post(first)).json());
    expect(await server.isAccessTokenLive(accessToken)).toBe(true);
    server.revoke();
    expect(await server.isAccessTokenLive(accessToken)).toBe(false);
    expect(await server.isAccessTokenLive('another')).toBe(false);
  });

  test('a second use revokes the whole family', async () => {
    const second = await refresh(first);
    await expectError(await post(first), 400, 'invalid_grant');
    expect(await server.isLive(second)).toBe(false);
    await expectError(await post(second), 400, 'invalid_grant');
  });

  test('of two simultaneous uses, one succeeds', async () => {
    const responses = await Promise.all([post(first), post(first)]);
    expect(responses.map(({ status }) => status).sort()).toEqual([200, 400]);
  });

  test('after revoke, everything is invalid_grant', async () => {
    server.revoke();
    expect(await server.isLive(first)).toBe(false);
    await expectError(await post(first), 400, 'invalid_grant');
  });

  test('errors are those of RFC 6749 section 5.2, and use up nothing', async () => {
    await expectError(await post(first, { client_secret: 'wrong' }), 401, 'invalid_client');
    await expectError(await post(first, { client_id: 'unknown' }), 401, 'invalid_client');
    await expectError(await post(first, { grant_type: 'password' }), 400, 'unsupported_grant_type');
    await expectError(await post(''), 400, 'invalid_request');
    const json = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' };
    await expectError(await fetch(server.url, json), 400, 'invalid_request');
    expect(await server.isLive(first)).toBe(true);
  });

  test('client credentials in Basic do not count: Retently wants them in the body', async () => {
    const basic = Buffer.from(`${server.clientId}:${server.clientSecret}`).toString('base64');
    const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: first });
    const headers = { authorization: `Basic ${basic}` };
    await expectError(await fetch(server.url, { method: 'POST', headers, body }), 400, 'invalid_request');
  });

  test('requests are recorded without a secret', async () => {
    await refresh(first);
    await post(first);
    const refreshTokenSha256 = createHash('sha256').update(first).digest('hex');
    const request = { clientId: server.clientId, refreshTokenSha256 };
    expect(server.requests).toMatchObject([
      { ...request, status: 200, error: undefined },
      { ...request, status: 400, error: 'invalid_grant' },
    ]);
    const [one, two] = server.requests;
    expect(one?.endedAtMs).toBeGreaterThan(one?.beganAtMs ?? Infinity);
    expect(two?.beganAtMs).toBeGreaterThan(one?.endedAtMs ?? Infinity);
    expect(JSON.stringify(server.requests)).not.toContain(first);
  });
});

test('no-rotation: the answer brings the same refresh token, again and again', async () => {
  const first = await start('no-rotation');
  expect(await refresh(first)).toBe(first);
  expect(await refresh(first)).toBe(first);
  expect(await server.isLive(first)).toBe(true);
});

test('grace: a used token works again for a while, counted from its first use, then revokes the family', async () => {
  const first = await start('grace');
  const second = await refresh(first);
  nowMs += 20_000;
  const third = await refresh(first);
  expect(third).not.toBe(second);
  expect(await server.isLive(first)).toBe(true);
  nowMs += 10_000;
  expect(await server.isLive(first)).toBe(false);
  await expectError(await post(first), 400, 'invalid_grant');
  expect(await server.isLive(second)).toBe(false);
  expect(await server.isLive(third)).toBe(false);
});

test('writes nothing to the console', async () => {
  const spies = consoleCalls.map((name) => vi.spyOn(console, name));
  const first = await start('rotation');
  await refresh(first);
  await post(first);
  for (const spy of spies) expect(spy).not.toHaveBeenCalled();
});
