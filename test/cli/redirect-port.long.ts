import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startLoopbackServer } from '../sandbox/loopback-server.ts';
import { SECRET_ID } from '../sandbox/sandbox.ts';
import { CHROMIUM, clickThroughPages, startChromium } from '../support/chromium.ts';
import { RunningCommand } from '../support/command.ts';
import { PAGE_URL } from '../support/command-secrets.ts';
import { type SandboxDeployment, startDeployment } from '../support/deployment.ts';
import { until } from '../support/in-sandbox.ts';
import { walkThroughPages } from '../support/plain-browser.ts';

let deployment: SandboxDeployment;

beforeAll(async () => {
  deployment = await startDeployment();
});

beforeEach(() => deployment.sandbox.recreateSecret());

afterAll(() => deployment[Symbol.asyncDispose]());

async function start(): Promise<{ command: RunningCommand; page: string; callback: URL }> {
  const options = ['--secret-id', SECRET_ID, '--token-endpoint', deployment.sandbox.tokenEndpoint.url];
  const command = new RunningCommand(['authorize', ...deployment.browserOptions, ...options], deployment.environment);
  const page = await command.says(PAGE_URL);
  return { command, page, callback: new URL(new URL(page).searchParams.get('redirect_uri') ?? '') };
}

/** The grant is stored after one POST, whatever else came to the port. */
async function expectStored(command: RunningCommand, postsBefore: number): Promise<void> {
  const { exitCode, stderr } = await command.ended;
  expect(stderr).not.toMatch(/\n\s+at /);
  expect(exitCode).toBe(0);
  expect(deployment.sandbox.tokenEndpoint.requests).toHaveLength(postsBefore + 1);
  expect(deployment.sandbox.readVersion('AWSCURRENT')?.document).toMatchObject({ refresh_token: expect.any(String) });
}

/** Requests that a page of another origin makes without a click. */
function toForeignPage({ origin, href }: URL): string {
  const stale = `${href}?code=x&amp;state=old`;
  const images = [origin, `${origin}//`, `${href}?error=x`, stale].map((url) => `<img src="${url}">`);
  return `<!doctype html><link rel="prefetch" href="${stale}"><link rel="preload" as="image" href="${stale}">
    <iframe src="${stale}"></iframe>${images.join('')}
    <form method="post" action="${stale}" target="posted"><input name="code" value="x"></form><iframe name="posted"></iframe>
    <script>document.forms[0].submit(); fetch('${href}?code=x', { mode: 'no-cors' }).catch(() => 0);
    new WebSocket('${origin.replace('http', 'ws')}/callback?code=x'); navigator.sendBeacon('${origin}', 'code=x');</script>`;
}

describe.skipIf(CHROMIUM === undefined)(
  `in a real browser${CHROMIUM === undefined ? ', SKIPPED: no Chromium is installed here' : ''}`,
  () => {
    let browser: Browser;
    beforeAll(async () => {
      browser = await startChromium();
    });
    afterAll(() => browser.close());

    test('a foreign page and a stale tab neither end nor decide the authorization', async () => {
      const before = deployment.sandbox.tokenEndpoint.requests.length;
      const { command, page, callback } = await start();
      await using foreign = await startLoopbackServer((_request, response) => {
        response.writeHead(200, { 'content-type': 'text/html' }).end(toForeignPage(callback));
      });
      const context = await browser.newContext();
      const [attacker, stale, tab] = [await context.newPage(), await context.newPage(), await context.newPage()];
      let reached = 0;
      attacker.on('request', (request) => {
        if (new URL(request.url()).port === callback.port) reached += 1;
      });
      // Another host name, so another site.
      await attacker.goto(foreign.url.replace('127.0.0.1', 'localhost'), { timeout: 0 });
      await until(() => reached >= 6);
      expect((await stale.goto(`${callback.href}?code=x&state=old`, { timeout: 0 }))?.status()).toBe(400);
      await clickThroughPages(tab, page, 'allow');
      await expectStored(command, before);
      await context.close();
    });
  },
);

/** Sends bytes and leaves the connection as it is. */
function open({ port }: URL, bytes = ''): Socket {
  const socket = connect({ host: '127.0.0.1', port: Number(port) }).on('error', () => undefined);
  if (bytes !== '') socket.write(bytes);
  return socket;
}

/** A socket that comes after the command has ended is not accepted. */
const settled = (socket: Socket) =>
  Promise.race([once(socket, 'connect'), once(socket, 'close')]).catch(() => undefined);

test.each<[string, (callback: URL) => Socket]>([
  ['a port scanner that connects and closes', (callback) => open(callback)],
  ['half-open sockets', (callback) => open(callback)],
  ['half a request', (callback) => open(callback, 'GET /callback?code=x')],
  ['a body that never comes', (callback) => open(callback, 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n')],
  ['a TLS greeting', (callback) => open(callback, '\u0016\u0003\u0001\u0002\u0000')],
])('a thousand times, before and during the exchange: %s', async (what, connectOnce) => {
  const { sandbox } = deployment;
  const before = sandbox.tokenEndpoint.requests.length;
  sandbox.aws.inject({ operation: 'PutSecretValue', kind: 'latency', latencyMs: 500, times: 1 });
  const { command, page, callback } = await start();
  const flood = async () => {
    const sockets = Array.from({ length: 1_000 }, () => connectOnce(callback));
    await Promise.all(sockets.map(settled));
    if (what.includes('closes')) for (const socket of sockets) socket.resetAndDestroy();
    return sockets;
  };
  const sockets = await flood();
  const walking = walkThroughPages(page, 'allow');
  sockets.push(...(await flood()));
  expect((await walking).status).toBe(200);
  await expectStored(command, before);
  for (const socket of sockets) socket.destroy();
});
