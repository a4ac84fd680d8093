/** Node's codes of failures before the first byte of a request is sent. */
const UNSENT = new Set([
  'ENOTFOUND',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
  'EPROTO',
  'HOSTNAME_MISMATCH',
]);
/** Beginnings of the codes of a failed TLS handshake. */
const UNSENT_TLS = /^(ERR_TLS_|ERR_SSL_|CERT_|CRL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|INVALID_CA|PATH_LENGTH_)/;
const DNS = new Set(['ENOTFOUND', 'EAI_AGAIN']);

export interface NetworkFailure {
  /** Node's code, such as ECONNREFUSED, or the name of the error. */
  readonly code: string;
  /** Whether the server may have received the request. */
  readonly isSent: boolean;
  readonly advice: string;
}

/** Explains an error of `fetch`. Its message is not used, because it may quote what was sent. */
export function explainNetworkFailure(error: unknown): NetworkFailure {
  const code = findCode(error);
  const isTls = UNSENT_TLS.test(code) || code === 'EPROTO' || code === 'HOSTNAME_MISMATCH';
  if (isTls) {
    const advice =
      'The TLS handshake failed. If a proxy inspects TLS here, set NODE_EXTRA_CA_CERTS to its certificate.';
    return { code, isSent: false, advice };
  }
  if (DNS.has(code)) return { code, isSent: false, advice: 'The name could not be resolved. Check DNS and the URL.' };
  if (UNSENT.has(code)) {
    return { code, isSent: false, advice: 'No connection was made. Check the URL, your network and your proxy.' };
  }
  return { code, isSent: true, advice: 'Check your network and your proxy.' };
}

function findCode(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  // `fetch` wraps the error of the socket.
  if (error.cause instanceof Error) return findCode(error.cause);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  return /^[A-Za-z0-9_]{1,60}$/.test(code) ? code : 'unknown';
}
