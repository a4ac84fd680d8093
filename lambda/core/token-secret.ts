import { parseJson } from '../contract.ts';
import type { Context } from './context.ts';
import type { CredentialsDocument } from './credentials.ts';
import { Fault, nameOf } from './fault.ts';
import type { TokenSecretHealth } from './health.ts';
import { type DocumentEntry, parseDocumentEntry, tokenVersionId } from './journal.ts';
import { readSuccessor } from './load.ts';
import type { TokenSecret, Version } from './ports.ts';
import { regionOption } from './region-option.ts';
import type { TokenSecretDetails } from './result.ts';
import { STORE_CALL_MAX_MS } from './time-reserves.ts';

/** Members of `AWSCURRENT` that the token secret holds, under the same names. */
const MEMBERS = ['access_token', 'token_type', 'expires_at'] as const;
const NAMES: readonly string[] = MEMBERS;

/** Most attempts if others keep moving the label. */
const MAX_TRIES = 3;

const STALE = 'The token secret does not hold the access token of AWSCURRENT. The next run copies it.';
const NOT_ROLLED_FORWARD =
  'Cannot update the token secret: AWSCURRENT does not hold the latest access token. The next run rolls forward first.';

/** State of the token secret after a run. `repaired`: it was stale and no longer is. */
export type TokenSecretState = { readonly kind: 'in sync' | 'repaired' } | TokenSecretProblem;

interface TokenSecretProblem {
  readonly kind: Exclude<TokenSecretHealth, 'in sync'>;
  readonly problem: Fault;
}

/**
 * Copies the access token of `AWSCURRENT` to the token secret. The token secret is derived, never a source: whatever is wrong
 * with it, the run continues as it would have.
 *
 * An older token never replaces a newer one. `AWSCURRENT` is read after the token secret, and known to have no successor, so
 * it is not older than the value that it replaces. The label moves by compare-and-swap.
 *
 * @param known what was last seen in, or promoted to, `AWSCURRENT`
 * @param reserveMs time that must be left after each call; without it, the sync waits for the next run
 * @returns `undefined` if there is no token secret, or no time to sync it. Never throws
 */
export async function syncTokenSecret(
  context: Context,
  known: DocumentEntry,
  reserveMs = 0,
): Promise<TokenSecretState | undefined> {
  const { tokenSecret } = context;
  if (tokenSecret === undefined) return undefined;
  const requireTime = () => {
    if (context.runtime.remainingMs() < STORE_CALL_MAX_MS + reserveMs) throw new OutOfTimeError();
  };
  try {
    return { kind: await sync(context, tokenSecret, known, requireTime) };
  } catch (error) {
    return error instanceof OutOfTimeError ? undefined : toState(toProblem(error));
  }
}

/** Ends a sync before a call that could take longer than the time left. */
class OutOfTimeError extends Error {}

/** Inspects the token secret with one read, for `status`. Never throws. @returns `null` if there is none */
export async function inspectTokenSecret(
  { tokenSecret }: Context,
  current: DocumentEntry,
): Promise<TokenSecretDetails | null> {
  if (tokenSecret === undefined) return null;
  const { secretId } = tokenSecret;
  const found = await findProblem(tokenSecret, current);
  if (found === undefined) return { secretId, isBehind: false, state: 'in sync', problem: null };
  return { secretId, isBehind: true, state: found.kind, problem: found.problem.message };
}

/** Faults of the token secret that stay until a person fixes them; the next run may repair the others. */
const LASTING: ReadonlySet<string> = new Set(['SECRET_NOT_FOUND', 'STORE_DENIED', 'CONFIGURATION_INVALID']);

/** Foreign content in the token secret. */
class ForeignContent extends Fault {
  constructor(message: string) {
    super('CONFIGURATION_INVALID', message);
  }
}

function toState(problem: Fault): TokenSecretProblem {
  if (problem instanceof ForeignContent) return { kind: 'foreign', problem };
  return { kind: LASTING.has(problem.name) ? 'unusable' : 'stale', problem };
}

async function findProblem(tokenSecret: TokenSecret, current: DocumentEntry): Promise<TokenSecretProblem | undefined> {
  try {
    const held = await tokenSecret.readCurrent();
    if (isInSync(current, held)) return undefined;
    requireOurs(tokenSecret, held, current);
    return { kind: 'stale', problem: new Fault('STORE_UNAVAILABLE', STALE) };
  } catch (error) {
    return toState(toProblem(error));
  }
}

async function sync(
  context: Context,
  tokenSecret: TokenSecret,
  known: DocumentEntry,
  requireTime: () => void,
): Promise<'in sync' | 'repaired'> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    requireTime();
    const held = await tokenSecret.readCurrent();
    if (isInSync(known, held)) return tries === 0 ? 'in sync' : 'repaired';
    requireTime();
    const current = await readCurrent(context);
    if (current === undefined || isInSync(current, held)) return 'in sync';
    requireOurs(tokenSecret, held, current);
    requireTime();
    // The label of current may lag, or be moved back by hand. The ids decide.
    if ((await readSuccessor(context, current.tokenHash)) !== undefined)
      throw new Fault('STORE_UNAVAILABLE', NOT_ROLLED_FORWARD);

    const text = render(current.document);
    const versionId = tokenVersionId(text);
    // An existing version has the same text, because the id is computed from the text.
    requireTime();
    await tokenSecret.putVersion(versionId, text);
    requireTime();
    if ((await tokenSecret.promote(versionId, held?.versionId)) === 'promoted') return 'repaired';
  }
  throw new Fault(
    'STORE_UNAVAILABLE',
    'Cannot update the token secret: its labels kept changing. The next run retries.',
  );
}

async function readCurrent({ store, settings }: Context): Promise<DocumentEntry | undefined> {
  const version = await store.readCurrent();
  return version && parseDocumentEntry(version, `Secret ${settings.secretId}`);
}

function render({ members }: CredentialsDocument): string {
  return JSON.stringify(Object.fromEntries(MEMBERS.map((name) => [name, members[name]])));
}

/** Returns whether the token secret holds what the document holds. It keeps the last access token if the document has none. */
function isInSync({ document: { members } }: DocumentEntry, held: Version | undefined): boolean {
  if (members.access_token === undefined) return true;
  const json = parseOurs(held);
  return json !== undefined && MEMBERS.every((name) => json[name] === members[name]);
}

/** Parses an object that has only our members; someone may have changed their values. */
function parseOurs(held: Version | undefined): { readonly [name: string]: unknown } | undefined {
  const json = held?.secretString && parseJson(held.secretString);
  const isObject = typeof json === 'object' && json !== null && !Array.isArray(json);
  return isObject && Object.keys(json).every((name) => NAMES.includes(name)) ? { ...json } : undefined;
}

/** Requires that the token secret holds only our members: foreign content is never overwritten. @throws Fault `CONFIGURATION_INVALID` */
function requireOurs({ secretId }: TokenSecret, held: Version | undefined, current: DocumentEntry): void {
  if (held === undefined || parseOurs(held) !== undefined) return;
  if (held.versionId === current.versionId) {
    throw new ForeignContent(
      'TOKEN_SECRET_ID names the secret of the credentials, which consumers must not read. Give it a secret of its own.',
    );
  }
  throw new ForeignContent(
    `Version ${held.versionId} of secret ${secretId} holds something other than ${MEMBERS.join(', ')} and was not overwritten. ` +
      `To replace it with the token: aws secretsmanager put-secret-value --secret-id ${secretId}${regionOption(secretId)} --secret-string '{}'. ` +
      'To keep it, name another secret in TOKEN_SECRET_ID.',
  );
}

function toProblem(error: unknown): Fault {
  return error instanceof Fault
    ? error
    : new Fault('STORE_UNAVAILABLE', `Cannot check or update the token secret: unexpected ${nameOf(error)}.`);
}
