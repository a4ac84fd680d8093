import type { Settings } from './context.ts';
import type { FailureCause } from './journal.ts';

/** A cause or a code on which there is advice. */
type Advised = FailureCause | 'REAUTHORIZATION_PROBABLE';

/** Returns what a person should do about a failure: by its cause, or by the code of a rejection. */
export function adviceOn(what: Advised, { forceEvent }: Pick<Settings, 'forceEvent'>): string {
  const advice: { readonly [each in Advised]: string } = {
    'not-sent':
      "Nothing was sent. Later runs retry after a back-off. If this continues, check TOKEN_ENDPOINT and, in a VPC, the function's route to the internet.",
    throttled:
      'Retently asks for a pause. Later runs retry after it. A rate limit that lasts until the access token expires may hide a revoked grant: if that happens, authorize the application again.',
    oversized: 'Move other data out of the secret. Later runs retry after a back-off.',
    misdirected: 'Check TOKEN_ENDPOINT: it may have moved. Later runs retry after a back-off.',
    intercepted:
      'Something between the function and Retently rejects the request: a firewall or a proxy, and not the authorization server. Allow the function to reach TOKEN_ENDPOINT. Later runs retry after a back-off.',
    unrecognized:
      'Retently rejects the request without an error code of RFC 6749: the grant was revoked, or the client secret is wrong. Later runs retry after a back-off. The refresh token may be used up, so correcting the secret may not be enough.',
    ambiguous:
      'The refresh token may be used up. Later runs send it again after a back-off. A server that receives it twice may revoke the grant and the access token; the next run then fails with REAUTHORIZATION_REQUIRED.',
    REAUTHORIZATION_PROBABLE: `Retently keeps rejecting these credentials without an error code of RFC 6749: the grant was probably revoked, or the client secret is wrong. Authorize the application at Retently again, with the right client secret. To retry with the credentials as they are, force one refresh with ${forceEvent}. The function keeps retrying meanwhile.`,
    REAUTHORIZATION_REQUIRED: `Authorize the application at Retently again. If you have a new refresh_token, put it into the current value of the secret. A rejection may be temporary: to retry once with the same token, force one refresh with ${forceEvent}. The token is not sent again until then.`,
    CLIENT_REJECTED: `Check client_id, client_secret and redirect_uri in the current value of the secret against app.retently.com/settings/oauth, and TOKEN_ENDPOINT. Do not change its refresh_token: older ones are used up. The credentials are not sent again until one of them changes or you force a refresh with ${forceEvent}.`,
  };
  return advice[what];
}

export const WAITING = {
  'back-off': 'The last attempt failed a short while ago; the next one waits for its back-off.',
  'write budget':
    'Cannot refresh yet: the secret has too many versions from the last 24 hours. Secrets Manager keeps at most 100, and an attempt needs two. To find out who writes, look for PutSecretValue in CloudTrail.',
  'forced budget':
    'Cannot force a refresh yet: the token is not due, and after this refresh the scheduled refreshes of the next 24 hours would not have enough room for versions.',
} as const;

export const REFRESHED = 'A new access token is in AWSCURRENT.';
export const TRUNCATED = 'The token response was longer than 1 MiB. The tokens were taken from its beginning.';
export const ADOPTED = 'Another run obtained a new access token; it is in AWSCURRENT.';
export const STORED_LATE =
  'An answer that an earlier run could not store is now stored; its access token is in AWSCURRENT.';
export const FRESH = 'The access token is not due for a refresh yet; nothing to do.';
export const BUSY = 'Another run is refreshing right now.';
export const ROLLS_FORWARD = 'The current document holds a used refresh token; the next refresh rolls forward.';
export const PENDING_ANSWER =
  'The answer to the current refresh token is only in the memory of this execution environment; the next refresh here stores it first. Do not deploy or change the function now.';
export const NOT_CONFIGURED =
  'The secret has no value yet: run the command authorize. If you already have a refresh token, put client_id, client_secret and refresh_token into the secret with put-secret-value instead; the next run uses them.';
export const NO_TIME =
  "Cannot request a token: too little time is left to store it safely. Nothing was sent; the next run continues. If this happens in every run, the function's timeout is too short.";
