/**
 * Returns `exp` of a JWT (RFC 7519 section 4.1.4), in seconds since the epoch; `undefined` if the token is opaque or has no
 * `exp`. No signature is checked: a wrong `exp` can only shorten the lifetime that would be assumed without it.
 */
export function readExpiry(accessToken: string): number | undefined {
  const [, payload = '', ...rest] = accessToken.split('.');
  if (rest.length !== 1) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString());
    const exp: unknown = typeof claims === 'object' && claims !== null ? Reflect.get(claims, 'exp') : undefined;
    return typeof exp === 'number' ? exp : undefined;
  } catch {
    // Opaque. The error quotes the token, so it is not passed on.
    return undefined;
  }
}
