import { environment } from '../environment.ts';

const DNS = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_NODATA', 'EAI_NONAME']);
/** Codes of a failed TLS handshake: those of Node and OpenSSL, and the names of certificate errors. */
const TLS =
  /^(EPROTO|ERR_TLS_|ERR_SSL_|CERT_|CRL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERROR_IN_CERT_|INVALID_(CA|PURPOSE)|PATH_LENGTH_|HOSTNAME_MISMATCH)/;

export interface NetworkFailure {
  /** Node's code, such as ECONNREFUSED, or the name of the error. */
  readonly code: string;
  readonly advice: string;
}

/** Explains a failed connection or request. The error's message is not used, because it may quote what was sent. */
export function explainNetworkFailure(error: unknown): NetworkFailure {
  const code = findCode(error);
  if (TLS.test(code)) {
    return {
      code,
      advice: 'The TLS handshake failed. If a proxy inspects TLS here, set NODE_EXTRA_CA_CERTS to its certificate.',
    };
  }
  if (DNS.has(code)) return { code, advice: `The host name was not found. Check the URL and DNS.${proxyAdvice()}` };
  if (code === 'ECONNREFUSED') {
    return { code, advice: `The host rejected the connection. Check the URL and its port.${proxyAdvice()}` };
  }
  return { code, advice: `Check your network and your firewall.${proxyAdvice()}` };
}

/** Behind a proxy that must be used, every direct connection fails. */
function proxyAdvice(): string {
  if (!environment.aws().isProxySet) return '';
  return ' A proxy is set in the environment, but this command connects directly.';
}

function findCode(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  // `fetch` wraps the error of the socket.
  if (error.cause instanceof Error) return findCode(error.cause);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  return /^[A-Za-z0-9_]{1,60}$/.test(code) ? code : 'unknown';
}
