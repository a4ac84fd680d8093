import { strict as assert } from 'node:assert';
import { type Check, expectRefusal, newVersionId, onSecret, type TestSecret } from './check.ts';

const JOURNAL = 'TOKEN_REFRESH';
/** Versions that a secret keeps for a day. */
const MAX_VERSIONS = 100;
const MAX_LABELS = 20;

/** Limits on versions, labels and sizes. Versions that are a day old are not checked: that would take a day. */
export const limitChecks: readonly Check[] = [
  onSecret(
    'the 101st version within 24 hours is rejected',
    async (secret) => {
      await fill(secret);
      await expectRefusal(secret.put(newVersionId(), 'one more', [JOURNAL]), 'LimitExceededException');
      const { Versions = [] } = await secret.list({ IncludeDeprecated: true, MaxResults: 100 });
      assert.equal(Versions.length, MAX_VERSIONS);
    },
    { moto: 'moto has no limit on versions' },
  ),
  onSecret('a put that is repeated is no new version, and succeeds without room for one', async (secret) => {
    const last = await fill(secret);
    await secret.put(last.id, last.text, [JOURNAL]);
  }),
  onSecret(
    'a version takes 20 labels and no more',
    async (secret) => {
      const id = newVersionId();
      await secret.create({ id, text: 'one' });
      for (let number = 1; number < MAX_LABELS; number += 1) await secret.moveStage(`label-${number}`, { to: id });
      await expectRefusal(secret.moveStage('one-more', { to: id }), 'LimitExceededException');
    },
    { moto: 'moto has no limit on labels' },
  ),
  onSecret(
    'the limit of 65,536 is one of bytes in UTF-8, and not of characters',
    async (secret) => {
      await secret.create();
      await secret.put(newVersionId(), 'é'.repeat(32_768));
      const put = secret.put(newVersionId(), `${'é'.repeat(32_768)}x`);
      await expectRefusal(put, 'ValidationException', 'InvalidParameterException');
    },
    { moto: 'moto has no size limit' },
  ),
];

/** Puts as many versions as a secret keeps. @returns the last one */
async function fill(secret: TestSecret): Promise<{ readonly id: string; readonly text: string }> {
  await secret.create({ id: newVersionId(), text: 'first' });
  let last = { id: '', text: '' };
  for (let number = 1; number < MAX_VERSIONS; number += 1) {
    last = { id: newVersionId(), text: `version ${number}` };
    await secret.put(last.id, last.text, [JOURNAL]);
  }
  return last;
}
