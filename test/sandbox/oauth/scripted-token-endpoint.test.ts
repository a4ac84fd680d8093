import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../../support/in-sandbox.ts';
import { type ScriptedTokenEndpoint, type Step, startScriptedTokenEndpoint } from './scripted-token-endpoint.ts';

let endpoint: ScriptedTokenEndpoint;

afterEach(async () => {
  await endpoint.close();
});

async function play(...script: Step[]): Promise<void> {
  endpoint = await startScriptedTokenEndpoint(script);
}

function post(signal?: AbortSignal): Promise<Response> {
  const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'a+b/c' });
  return fetch(endpoint.url, { method: 'POST', body, redirect: 'manual', ...(signal === undefined ? {} : { signal }) });
}

test('plays literal answers in their order, and repeats the last one', async () => {
  await play(
    { status: 429, headers: { 'retry-after': '7' } },
    { status: 200, body: '<html>' },
    { status: 200, body: { access_token: 'x' } },
  );
  const first = await post();
  expect([first.status, first.headers.get('retry-after'), await first.text()]).toEqual([429, '7', '']);
  expect(await (await post()).text()).toBe('<html>');
  const third = await post();
  expect(third.headers.get('content-type')).toBe('application/json');
  expect(await third.json()).toEqual({ access_token: 'x' });
  expect(await (await post()).json()).toEqual({ access_token: 'x' });
});

test('records the requests', async () => {
  await play({ status: 200 });
  await post();
  expect(endpoint.requests).toMatchObject([
    {
      method: 'POST',
      path: '/api/oauth/token',
      headers: { 'content-type': 'application/x-www-form-urlencoded;charset=UTF-8' },
      form: { grant_type: 'refresh_token', refresh_token: 'a+b/c' },
    },
  ]);
});

test('reset reads the request, reset-before does not', async () => {
  await play('reset', 'reset-before');
  await expect(post()).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } });
  expect(endpoint.requests).toHaveLength(1);
  await expect(post()).rejects.toThrow();
  expect(endpoint.requests).toHaveLength(1);
});

test('hang never answers', async () => {
  await play('hang');
  const controller = new AbortController();
  const answered = post(controller.signal);
  await until(() => endpoint.requests.length === 1);
  controller.abort();
  await expect(answered).rejects.toMatchObject({ name: 'AbortError' });
});

test('truncated-body ends before its content-length', async () => {
  await play('truncated-body');
  const response = await post();
  expect(response.status).toBe(200);
  await expect(response.text()).rejects.toThrow();
});

test('endless-body continues as long as the client reads', async () => {
  await play('endless-body');
  const { body } = await post();
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    if (bytes > 1_000_000) break;
  }
  expect(bytes).toBeGreaterThan(1_000_000);
});

test('slow answers late', async () => {
  await play({ slowMs: 50, answer: { status: 204 } });
  // Timers of one process end in the order of their times, however late they are.
  const ends: string[] = [];
  const shorter = sleep(40).then(() => ends.push('shorter timer'));
  const answered = post().then(({ status }) => ends.push(`${status}`));
  await Promise.all([shorter, answered]);
  expect(ends).toEqual(['shorter timer', '204']);
});

describe('in front of another token endpoint', () => {
  let upstream: ScriptedTokenEndpoint;

  beforeEach(async () => {
    upstream = await startScriptedTokenEndpoint([{ status: 400, body: { error: 'invalid_grant' } }]);
    endpoint = await startScriptedTokenEndpoint(['forward'], upstream.url);
  });

  afterEach(async () => {
    await upstream.close();
  });

  test('forward passes the form on, and the answer back', async () => {
    const response = await post();
    expect([response.status, await response.json()]).toEqual([400, { error: 'invalid_grant' }]);
    expect(upstream.requests[0]?.form).toEqual(endpoint.requests[0]?.form);
    expect(endpoint.requests[0]?.answer).toMatchObject({ status: 400 });
  });

  test.each(['lose-answer', 'hold-answer'] as const)('%s lets the request through and not its answer', async (step) => {
    endpoint.play(step, 'forward');
    const controller = new AbortController();
    const answered = post(controller.signal);
    await Promise.all([
      expect(answered).rejects.toThrow(),
      until(() => endpoint.requests[0]?.isAnswerLost === true).then(() => controller.abort()),
    ]);
    expect(upstream.requests).toHaveLength(1);
    expect(endpoint.requests).toMatchObject([{ isAnswerLost: true, answer: { status: 400 } }]);
    expect((await post()).status).toBe(400);
  });
});
