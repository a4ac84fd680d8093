import * as z from 'zod/mini';
import { parseJson } from '../contract.ts';
import { once } from './once.ts';

const claimsSchema = once(() => z.object({ exp: z.number() }));

/**
 * Returns `exp` of a JWT (RFC 7519 section 4.1.4), in seconds since the epoch; `undefined` if the token is opaque or has no
 * `exp`. No signature is checked: a wrong `exp` can only shorten the lifetime that would be assumed without it.
 */
export function readExpiry(accessToken: string): number | undefined {
  const [, payload = '', ...rest] = accessToken.split('.');
  if (rest.length !== 1) return undefined;
  const claims = parseJson(Buffer.from(payload, 'base64url').toString());
  return claimsSchema().safeParse(claims).data?.exp;
}
