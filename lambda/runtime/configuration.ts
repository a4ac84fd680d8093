import * as z from 'zod/mini';
import {
  DEFAULTS,
  ENVIRONMENT,
  isTokenEndpoint,
  MAX_LEASE_SECONDS,
  MAX_SCHEDULE_SECONDS,
  MAX_TOKEN_LIFETIME_SECONDS,
} from '../contract.ts';
import { Fault } from '../core/fault.ts';

/** Configuration that every secret of a function shares. */
export interface SharedConfiguration {
  readonly tokenEndpoint: URL;
  /** `undefined`: no events. */
  readonly eventBusName: string | undefined;
  readonly defaultTokenLifetimeSeconds: number;
  readonly leaseSeconds: number;
  /** Longest time from one tick to the next. */
  readonly scheduleSeconds: number;
}

export interface Configuration extends SharedConfiguration {
  /** ARN or name. */
  readonly credentialsSecretId: string;
  /** ARN or name; `undefined`: there is no token secret. */
  readonly tokenSecretId: string | undefined;
}

/** Environment variables. @default the process's own */
export interface Variables {
  readonly [name: string]: string | undefined;
}

/** Variable that holds a whole number from 1 to `max`. */
export const wholeNumber = (max: number, standard: number) =>
  z.pipe(
    z._default(
      z.string().check(z.refine((text) => isWholeNumber(text, max), `is not a whole number from 1 to ${max}`)),
      String(standard),
    ),
    z.transform(Number),
  );

const sharedShape = {
  [ENVIRONMENT.tokenEndpoint]: z._default(
    z
      .string()
      .check(z.refine(isEndpoint, 'is not an https: URL without user name and fragment (http: only on loopback)')),
    DEFAULTS.tokenEndpoint,
  ),
  [ENVIRONMENT.eventBusName]: z._default(z.string(), DEFAULTS.eventBusName),
  [ENVIRONMENT.defaultTokenLifetimeSeconds]: wholeNumber(
    MAX_TOKEN_LIFETIME_SECONDS,
    DEFAULTS.defaultTokenLifetimeSeconds,
  ),
  [ENVIRONMENT.leaseSeconds]: wholeNumber(MAX_LEASE_SECONDS, DEFAULTS.leaseSeconds),
  [ENVIRONMENT.scheduleSeconds]: wholeNumber(MAX_SCHEDULE_SECONDS, DEFAULTS.scheduleSeconds),
};

const SharedEnvironment = z.object(sharedShape);

const Environment = z.object({
  [ENVIRONMENT.credentialsSecretId]: z
    .string('is not set: give the ARN or name of the secret')
    .check(z.minLength(1, 'is empty: give the ARN or name of the secret')),
  ...sharedShape,
  [ENVIRONMENT.tokenSecretId]: z._default(z.string(), ''),
});

/** @throws Fault as {@link parseEnvironment} */
export function parseConfiguration(variables?: Variables): Configuration {
  const data = parseEnvironment(Environment, variables);
  return {
    credentialsSecretId: data[ENVIRONMENT.credentialsSecretId],
    ...toShared(data),
    tokenSecretId: data[ENVIRONMENT.tokenSecretId] || undefined,
  };
}

/** Reads the environment of a function whose events name the secret. @throws Fault as {@link parseEnvironment} */
export function parseSharedConfiguration(variables?: Variables): SharedConfiguration {
  return toShared(parseEnvironment(SharedEnvironment, variables));
}

/** @throws Fault `CONFIGURATION_INVALID`, which names every mistake */
export function parseEnvironment<T>(schema: z.ZodMiniType<T>, variables: Variables = process.env): T {
  const parsed = schema.safeParse(variables);
  if (parsed.success) return parsed.data;
  const mistakes = parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`);
  throw new Fault(
    'CONFIGURATION_INVALID',
    `The function's environment variables are not valid: ${mistakes.join('; ')}. Nothing was read or sent.`,
  );
}

function toShared(data: z.output<typeof SharedEnvironment>): SharedConfiguration {
  return {
    tokenEndpoint: new URL(data[ENVIRONMENT.tokenEndpoint]),
    eventBusName: data[ENVIRONMENT.eventBusName] || undefined,
    defaultTokenLifetimeSeconds: data[ENVIRONMENT.defaultTokenLifetimeSeconds],
    leaseSeconds: data[ENVIRONMENT.leaseSeconds],
    scheduleSeconds: data[ENVIRONMENT.scheduleSeconds],
  };
}

function isEndpoint(text: string): boolean {
  return isTokenEndpoint(text, { isLoopbackAllowed: true });
}

function isWholeNumber(text: string, max: number): boolean {
  return /^[1-9]\d*$/.test(text) && Number(text) <= max;
}
