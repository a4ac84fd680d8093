import { connect as connectTcp, isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { CommandError, EXIT } from '../command-error.ts';
import { terminal } from '../terminal/terminal.ts';
import { isLoopback } from './endpoints.ts';
import { explainNetworkFailure } from './network-failure.ts';

const TIMEOUT_MS = 5_000;

/**
 * Connects to the token endpoint, TLS included, and sends nothing. A code that cannot be exchanged is lost, so a failure must
 * show before the browser opens. A slow connection is only reported: the exchange may still succeed.
 *
 * @throws CommandError if there is no connection
 */
export async function checkConnection(tokenEndpoint: URL): Promise<void> {
  const connecting = connectOnce(tokenEndpoint);
  const error = await terminal.progress('Connecting to the token endpoint', connecting);
  if (error === undefined) return;
  const { code, advice } = explainNetworkFailure(error);
  const what = `Cannot connect to the token endpoint at ${tokenEndpoint.host} (${code}).`;
  if (code !== 'ETIMEDOUT') throw new CommandError(EXIT.unable, `${what} ${advice} Nothing was changed.`);
  terminal.say(`${what} ${advice} The command continues, because the connection may only be slow.`);
}

/** Returns the error of the connection, if there is one. */
function connectOnce(url: URL): Promise<Error | undefined> {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const isSecure = !isLoopback(url);
  const options = {
    host,
    port: Number(url.port || (isSecure ? 443 : 80)),
    // The same as in the exchange: Node's 250 ms per address are too short for a distant server.
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: 2_000,
  };
  return new Promise((resolve) => {
    // TLS does not allow an IP address as the server's name.
    const name = isIP(host) === 0 ? { servername: host } : {};
    const socket = isSecure ? connectTls({ ...options, ...name }) : connectTcp(options);
    const end = (error?: Error) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(error);
    };
    const timer = setTimeout(() => end(Object.assign(new Error('timeout'), { code: 'ETIMEDOUT' })), TIMEOUT_MS);
    socket.once(isSecure ? 'secureConnect' : 'connect', () => end());
    socket.on('error', end);
  });
}
