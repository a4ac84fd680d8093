import { describe, expect, test } from 'vitest';
import { sha256 } from '../../lambda/core/fingerprint.ts';
import { renderClaim, renderFailure } from '../../lambda/core/journal.ts';
import { SecretsManager } from '../sandbox/aws/secrets-manager.ts';
import { SECRET_ID } from '../support/fake-credential-store.ts';
import { HOUR_MS } from '../support/secret-documents.ts';
import { Violation, Witness } from './invariants.ts';
import { Provider } from './provider.ts';

const TOKEN = 'rt-1';
const DIGEST = 'digest of the credentials';
const tokenHash = sha256(TOKEN);

/** A witness that has seen the rejection of attempt 0 on record. Each run below is an hour after the last. */
function witnessRejection() {
  const secretsManager = new SecretsManager({ now: () => 0, arnSuffix: () => 'AbCdEf' });
  secretsManager.createSecret({ Name: SECRET_ID });
  const witness = new Witness(secretsManager, new Provider('strict'));
  let id = 0;
  /** Claims, sends the token, and records the rejection, or crashes before that. */
  const run = (attempt: number, { isForced = false, isRecorded = true } = {}) => {
    const sender = { id: ++id, isForced, refusal: undefined, claims: new Map() };
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
});
