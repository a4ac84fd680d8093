import { spawn } from 'node:child_process';
import dns from 'node:dns';
import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test, vi } from 'vitest';
import { HttpTokenEndpoint } from '../../lambda/adapters/token-endpoint.ts';

/** By then, the first SYN was dropped; the kernel sends the next one a second after it. */
const SYN_DROPPED_MS = 500;
const GRANT = { clientId: 'c', clientSecret: 's', refreshToken: 'refresh-1' };

/** A token endpoint whose queue of connections holds one: while the process is stopped, the kernel drops every further SYN. */
const SERVER = `
const answer = JSON.stringify({ access_token: 'a', refresh_token: 'b' });
const server = require('node:http').createServer((request, response) => {
  request.resume().on('end', () => response.end(answer));
});
server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(server.address().port));
`;

test('a host with two addresses is reached although its TCP handshake takes a second', async () => {
  const child = spawn(process.execPath, ['-e', SERVER]);
  try {
    const [line] = await once(child.stdout, 'data');
    const port = Number(String(line));
    child.kill('SIGSTOP');
    const waiting = [1, 2, 3].map(() => connect({ port, host: '127.0.0.1' }).on('error', () => undefined));
    await Promise.all(waiting.slice(0, 2).map((socket) => once(socket, 'connect')));
    const accept = () => {
      child.kill('SIGCONT');
      for (const socket of waiting) socket.destroy();
    };
    const addresses = [
      { address: '127.0.0.1', family: 4 },
      { address: '::1', family: 6 },
    ];
    vi.spyOn(dns, 'lookup').mockImplementation(((
      _host: string,
      _options: object,
      done: (...all: unknown[]) => void,
    ) => {
      process.nextTick(done, null, addresses);
      setTimeout(accept, SYN_DROPPED_MS);
    }) as typeof dns.lookup);
    const endpoint = new HttpTokenEndpoint(new URL(`http://two-addresses.invalid:${port}/`), Date.now);
    expect(await endpoint.requestToken(GRANT, 30_000)).toMatchObject({ kind: 'token', refreshToken: 'b' });
  } finally {
    vi.restoreAllMocks();
    child.kill('SIGKILL');
  }
});
