import { describe, expect, test } from 'vitest';
import { sha256 } from '../../lambda/core/fingerprint.ts';
import { renderClaim, renderFailure } from '../../lambda/core/journal.ts';
import { toRfc3339 } from '../../lambda/core/rfc3339.ts';
import { SecretsManager } from '../sandbox/aws/secrets-manager.ts';
import { HOUR_MS } from '../support/secret-documents.ts';
import { SECRET_ID, Violation, Witness } from './invariants.ts';
import { CLIENT_SECRET, Provider, type ProviderKind } from './provider.ts';

const TOKEN = 'rt-1';
const DIGEST = 'digest of the credentials';

/** A witness that has seen the rejection of attempt 0 on record. Each run below is an hour after the last. */
function witnessRejection({ tokenHash = sha256(TOKEN) } = {}) {
  const secretsManager = new SecretsManager({ now: () => 0, arnSuffix: () => 'AbCdEf' });
  secretsManager.createSecret({ Name: SECRET_ID });
  const witness = new Witness(secretsManager, new Provider('strict'));
  let id = 0;
  /** Claims, sends the token, and records the rejection, or crashes before that. */
  const run = (attempt: number, { isForced = false, isRecorded = true } = {}) => {
    const sender = { id: ++id, isForced, refusal: undefined, claims: new Map([[tokenHash, 0]]) };
    const nowMs = id * HOUR_MS;
    const claim = renderClaim({ tokenHash, attempt, nonce: `${id}`, leaseSeconds: 90 });
    witness.afterPut(sender, `claim ${attempt}`, claim, nowMs);
    witness.beforePost(sender, TOKEN, DIGEST, nowMs);
    const failure = renderFailure({ tokenHash, attempt, code: 'REAUTHORIZATION_REQUIRED', digest: DIGEST });
    if (isRecorded) witness.afterPut(sender, `failure ${attempt}`, failure, nowMs);
    if (isRecorded) witness.refused(DIGEST);
    witness.senderEnded(id);
  };
  run(0);
  return run;
}

describe('the witness of I1: a lost answer', () => {
  /** A grant whose first refresh token was exchanged, and whose answer was lost. */
  function loseAnswer(kind: ProviderKind) {
    const provider = new Provider(kind);
    const secretsManager = new SecretsManager({ now: () => 0, arnSuffix: () => 'AbCdEf' });
    const witness = new Witness(secretsManager, provider);
    const exchange = (refreshToken: string) => {
      const answer = provider.exchange({ clientId: '', clientSecret: CLIENT_SECRET, refreshToken }, 0);
      return typeof answer === 'string' ? undefined : answer.refreshToken;
    };
    const parent = provider.authorize();
    const lost = exchange(parent);
    witness.answerGiven(lost);
    return { provider, witness, exchange, parent };
  }

  test('excuses that the token before it is spent, and that a second use of that token revoked the grant', () => {
    const { witness, exchange, parent } = loseAnswer('strict');
    expect(exchange(parent)).toBeUndefined();
    expect(witness.isLostWithAnswer(parent)).toBe(true);
  });

  test('excuses no token of another grant, and no later token of the same grant', () => {
    const { provider, witness, exchange, parent } = loseAnswer('grace');
    const next = exchange(parent) ?? '';
    expect(witness.isLostWithAnswer(provider.authorize())).toBe(false);
    expect(witness.isLostWithAnswer(next)).toBe(false);
    expect(witness.isLostWithAnswer(exchange(next) ?? '')).toBe(false);
  });
});

describe('the witness of I6: a rejected token', () => {
  test('must not be sent again', () => {
    const run = witnessRejection();
    expect(() => run(1)).toThrow(Violation);
  });

  test('may be sent again if someone forces it, and only until that rejection is recorded', () => {
    const run = witnessRejection();
    run(1, { isForced: true });
    expect(() => run(2)).toThrow(Violation);
  });

  // The witness once allowed one run, and took a second crash at the record for a mistake of the protocol.
  test('may be sent by each run that continues a forced attempt, until one of them records the rejection', () => {
    const run = witnessRejection();
    run(1, { isForced: true, isRecorded: false });
    run(2, { isRecorded: false });
    run(3);
    expect(() => run(4)).toThrow(Violation);
  });

  test('may be sent by a run that continues a forced attempt with a token that the server keeps', () => {
    const run = witnessRejection({ tokenHash: 'key of a token that was used' });
    run(1, { isForced: true, isRecorded: false });
    run(2);
    expect(() => run(3)).toThrow(Violation);
  });
});

describe('the witness of I7: a run that waits', () => {
  const SIX_HOURS = { access_token: 'token', expires_at: toRfc3339(6 * HOUR_MS) };

  function createWitness(document: object) {
    const secretsManager = new SecretsManager({ now: () => 0, arnSuffix: () => 'AbCdEf' });
    const witness = new Witness(secretsManager, new Provider('strict'));
    secretsManager.createSecret({ Name: SECRET_ID });
    const store = (stored: object) => {
      secretsManager.putSecretValue({ SecretId: SECRET_ID, SecretString: JSON.stringify(stored) });
      witness.afterOperator();
    };
    store(document);
    return { witness, store };
  }

  const fail = (witness: Witness, token: string, retryAfterSeconds: number | undefined, nowMs: number) => {
    const failure = { tokenHash: sha256(token), attempt: 0, code: 'PROVIDER_UNAVAILABLE', digest: DIGEST } as const;
    const sender = { id: nowMs, isForced: false, refusal: undefined, claims: new Map() };
    witness.afterPut(sender, `failure ${nowMs}`, renderFailure({ ...failure, retryAfterSeconds }), nowMs);
  };

  test('may wait for the longest back-off after the failure, and no longer', () => {
    const { witness } = createWitness({ refresh_token: TOKEN });
    fail(witness, TOKEN, undefined, HOUR_MS);
    witness.afterWait(1.75 * HOUR_MS);
    expect(() => witness.afterWait(2 * HOUR_MS)).toThrow(Violation);
  });

  test('may wait for the server although an attempt with an earlier grant failed later', () => {
    const { witness } = createWitness({ refresh_token: TOKEN, ...SIX_HOURS });
    fail(witness, TOKEN, 31_536_000, HOUR_MS);
    fail(witness, 'earlier', undefined, HOUR_MS + 1);
    witness.afterWait(5 * HOUR_MS);
    expect(() => witness.afterWait(6 * HOUR_MS)).toThrow(Violation);
  });

  test('may wait for the server as long as the document allows that an operator has just replaced', () => {
    const { witness, store } = createWitness({ refresh_token: TOKEN, ...SIX_HOURS });
    store({ refresh_token: 'earlier' });
    fail(witness, TOKEN, 31_536_000, HOUR_MS);
    witness.afterWait(5 * HOUR_MS);
    expect(() => witness.afterWait(6 * HOUR_MS)).toThrow(Violation);
  });

  test('may not wait as long as a document with another token allows', () => {
    const { witness, store } = createWitness({ refresh_token: 'earlier', ...SIX_HOURS });
    store({ refresh_token: TOKEN });
    fail(witness, TOKEN, 31_536_000, HOUR_MS);
    expect(() => witness.afterWait(5 * HOUR_MS)).toThrow(Violation);
  });
});
