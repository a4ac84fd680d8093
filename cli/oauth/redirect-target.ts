import { isTokenEndpoint } from '../../lambda/contract.ts';
import { CommandError, EXIT } from '../command-error.ts';
import { terminal } from '../terminal/terminal.ts';
import { toPrintable } from '../terminal/to-printable.ts';

/** Below the ports that operating systems assign by themselves, so that it is free on most machines and can be registered. */
const DEFAULT_PORT = 8976;

/** Redirect URI of the authorization, and what determined it: --port (or its default), --redirect-uri, or the secret. */
export interface RedirectTarget {
  readonly redirectUri: string;
  readonly source: 'port' | 'option' | 'secret';
}

interface RedirectOptions {
  /** Absent if the user gave none. */
  readonly port?: number | undefined;
  readonly redirectUri?: string | undefined;
}

/** Returns whether a text can be a redirect URI: printable ASCII, and https, or http on loopback. */
export function isRedirectUri(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text) && isTokenEndpoint(text, { isLoopbackAllowed: true });
}

/** Chooses the redirect URI. @throws CommandError if the secret's is not usable, or contradicts the options */
export function chooseRedirect(options: RedirectOptions, inSecret: string | undefined): RedirectTarget {
  const source = options.redirectUri !== undefined ? 'option' : inSecret !== undefined ? 'secret' : 'port';
  const redirectUri = options.redirectUri ?? inSecret ?? `http://127.0.0.1:${options.port ?? DEFAULT_PORT}/callback`;
  const name = source === 'option' ? '--redirect-uri' : 'redirect_uri in the secret';
  if (!isRedirectUri(redirectUri)) {
    const message = `${name} is "${toPrintable(redirectUri)}", but must be an https: URL, or http: on loopback. Correct it, or pass --redirect-uri. Nothing was changed.`;
    throw new CommandError(EXIT.unable, message);
  }
  const contradiction = findContradiction(redirectUri, options.port);
  if (source !== 'port' && contradiction !== undefined) {
    const message = `--port ${options.port} contradicts ${name} (${redirectUri}), which ${contradiction}. Omit --port, or change the redirect URI. Nothing was changed.`;
    throw new CommandError(EXIT.unable, message);
  }
  if (source === 'option' && inSecret !== undefined && inSecret !== redirectUri) {
    terminal.say(
      `--redirect-uri replaces redirect_uri in the secret (${toPrintable(inSecret)}) for this authorization only. The function still sends the one in the secret.`,
    );
  }
  return { redirectUri, source };
}

/** Returns how a redirect URI contradicts `--port`. Port 0 names no port, so it does not contradict an `https:` URI. */
function findContradiction(redirectUri: string, port: number | undefined): string | undefined {
  if (port === undefined) return undefined;
  const url = new URL(redirectUri);
  if (url.protocol !== 'http:') return port === 0 ? undefined : 'does not lead to this machine';
  const ownPort = Number(url.port || 80);
  return port === ownPort ? undefined : `names port ${ownPort}`;
}
