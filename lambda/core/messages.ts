import type { FailureCode } from './journal.ts';

/** What a human does about it. */
export const ADVICE: { readonly [code in FailureCode]: string } = {
  PROVIDER_UNAVAILABLE:
    'The refresh token is most likely not spent. A later run tries again after a back-off; look at the status of Retently if this goes on; if it is an HTTP 4xx that stays, check the credentials and authorize again.',
  PROVIDER_AMBIGUOUS:
    'The refresh token may be spent. A later run tries it again after a back-off and says REAUTHORIZATION_REQUIRED if it is.',
  REAUTHORIZATION_REQUIRED:
    'Authorize the application at Retently again and put the new refresh_token into the current value of the secret; the next run uses it. Until then it is not sent again, unless you force it with {"action":"refresh","force":true}.',
  CLIENT_REJECTED:
    'Check client_id, client_secret and redirect_uri in the current value of the secret against app.retently.com/settings/oauth, and TOKEN_ENDPOINT. Leave its refresh_token as it is: an older one is spent. Until one of them changes they are not sent again, unless you force it with {"action":"refresh","force":true}.',
};

export const WAITING = {
  'back-off': 'The last attempt failed a short while ago; the next one waits for its back-off.',
  'write budget':
    'The secret has too many versions of the last 24 hours for another attempt to be safe; it waits until some have aged.',
} as const;

export const REFRESHED = 'A new bearer token is in AWSCURRENT.';
export const ADOPTED = 'Another run obtained a new bearer token; it is in AWSCURRENT.';
export const FRESH = 'The bearer token is not due for a refresh yet; nothing to do.';
export const BUSY = 'Another run is refreshing right now.';
export const SETTLES = 'The current document holds a spent refresh token; the next refresh settles it.';
export const UNSAVED =
  'The answer to the current refresh token is in the memory of this execution environment alone; the next refresh here stores it first. Do not deploy or change the function now.';
export const NOT_CONFIGURED =
  'The secret has no value yet. Put client_id, client_secret and refresh_token into it with put-secret-value; the next run uses them.';
export const NO_TIME =
  'Too little time was left to ask for a token and save it safely. Nothing was sent; the next run goes on. If this happens on every run, the timeout of the function is too short.';
