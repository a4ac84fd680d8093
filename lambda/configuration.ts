import * as z from 'zod/mini';
import { DEFAULTS, ENVIRONMENT, isTokenEndpoint, MAX_LEASE_SECONDS, MAX_TOKEN_LIFETIME_SECONDS } from './contract.ts';
import { Fault } from './core/fault.ts';

export interface Configuration {
  /** ARN or name. */
  readonly credentialsSecretId: string;
  readonly tokenEndpoint: URL;
  /** `undefined`: no events. */
  readonly eventBusName: string | undefined;
  readonly defaultTokenLifetimeSeconds: number;
  readonly leaseSeconds: number;
  /** ARN or name; `undefined`: there is no token secret. */
  readonly tokenSecretId: string | undefined;
}

const seconds = (max: number, standard: number) =>
  z.pipe(
    z._default(
      z.string().check(z.refine((text) => isWholeNumber(text, max), `is no whole number from 1 to ${max}`)),
      String(standard),
    ),
    z.transform(Number),
  );

const Environment = z.object({
  [ENVIRONMENT.credentialsSecretId]: z
    .string('is not set: give the ARN or name of the secret')
    .check(z.minLength(1, 'is empty: give the ARN or name of the secret')),
  [ENVIRONMENT.tokenEndpoint]: z._default(
    z.string().check(z.refine(isEndpoint, 'is no https: URL without user name and fragment (http: on loopback alone)')),
    DEFAULTS.tokenEndpoint,
  ),
  [ENVIRONMENT.eventBusName]: z._default(z.string(), DEFAULTS.eventBusName),
  [ENVIRONMENT.defaultTokenLifetimeSeconds]: seconds(MAX_TOKEN_LIFETIME_SECONDS, DEFAULTS.defaultTokenLifetimeSeconds),
  [ENVIRONMENT.leaseSeconds]: seconds(MAX_LEASE_SECONDS, DEFAULTS.leaseSeconds),
  [ENVIRONMENT.tokenSecretId]: z._default(z.string(), ''),
});

/**
 * @throws Fault `CONFIGURATION_INVALID`, which names every mistake at once
 */
export function parseConfiguration(
  environment: { readonly [name: string]: string | undefined } = process.env,
): Configuration {
  const parsed = Environment.safeParse(environment);
  if (!parsed.success) {
    const mistakes = parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`);
    throw new Fault(
      'CONFIGURATION_INVALID',
      `The function's environment is wrong: ${mistakes.join('; ')}. Nothing was read or sent.`,
    );
  }
  const { data } = parsed;
  return {
    credentialsSecretId: data[ENVIRONMENT.credentialsSecretId],
    tokenEndpoint: new URL(data[ENVIRONMENT.tokenEndpoint]),
    eventBusName: data[ENVIRONMENT.eventBusName] || undefined,
    defaultTokenLifetimeSeconds: data[ENVIRONMENT.defaultTokenLifetimeSeconds],
    leaseSeconds: data[ENVIRONMENT.leaseSeconds],
    tokenSecretId: data[ENVIRONMENT.tokenSecretId] || undefined,
  };
}

function isEndpoint(text: string): boolean {
  return isTokenEndpoint(text, { isLoopbackAllowed: true });
}

function isWholeNumber(text: string, max: number): boolean {
  return /^[1-9]\d*$/.test(text) && Number(text) <= max;
}
