import { strict as assert } from 'node:assert';
import { type Check, expectRefusal, newVersionId, onSecret } from './check.ts';

const JOURNAL = 'TOKEN_REFRESH';
/** Label with which `authorize` tests the permission to write. */
const CHECK = 'AUTHORIZE_CHECK';
const MAX_VALUE_BYTES = 65_536;

/** PutSecretValue: a version is immutable, its id is a lock, and the labels go where they are sent. */
export const putChecks: readonly Check[] = [
  onSecret('the first version gets AWSCURRENT whatever stage is asked for', async (secret) => {
    const id = newVersionId();
    await secret.create();
    await secret.put(id, 'one', [JOURNAL]);
    await secret.expectStages({ AWSCURRENT: id, [JOURNAL]: id });
  }),
  onSecret('an id of 64 hexadecimal digits, as SHA-256 has them, is the version id', async (secret) => {
    const id = 'ab'.repeat(32);
    await secret.create({ id: newVersionId(), text: 'one' });
    await secret.put(id, 'two', [JOURNAL]);
    const read = await secret.get({ VersionId: id });
    assert.deepEqual([read.VersionId, read.SecretString], [id, 'two']);
  }),
  onSecret('a put without stages moves AWSCURRENT, and AWSPREVIOUS follows', async (secret) => {
    const [first, second] = [newVersionId(), newVersionId()];
    await secret.create({ id: first, text: 'one' });
    await secret.put(second, 'two');
    await secret.expectStages({ AWSCURRENT: second, AWSPREVIOUS: first });
  }),
  onSecret('a put with a stage of our own does not move AWSCURRENT', async (secret) => {
    const [first, second] = [newVersionId(), newVersionId()];
    await secret.create({ id: first, text: 'one' });
    await secret.put(second, 'two', [JOURNAL]);
    await secret.expectStages({ AWSCURRENT: first, [JOURNAL]: second });
    assert.equal((await secret.get({ VersionStage: 'AWSCURRENT' })).SecretString, 'one');
    assert.equal((await secret.get({ VersionStage: JOURNAL })).SecretString, 'two');
  }),
  onSecret('a stage of our own moves to the version that is put with it', async (secret) => {
    const [first, second, third] = [newVersionId(), newVersionId(), newVersionId()];
    await secret.create({ id: first, text: 'one' });
    await secret.put(second, 'two', [JOURNAL]);
    await secret.put(third, 'three', [JOURNAL]);
    await secret.expectStages({ AWSCURRENT: first, [JOURNAL]: third });
  }),
  onSecret('putting the same id and content again changes nothing, whatever stages are asked for', async (secret) => {
    const [first, second] = [newVersionId(), newVersionId()];
    await secret.create({ id: first, text: 'one' });
    await secret.put(second, 'two', [JOURNAL]);
    await secret.put(first, 'one', [JOURNAL]);
    await secret.put(second, 'two');
    await secret.expectStages({ AWSCURRENT: first, [JOURNAL]: second });
  }),
  onSecret('putting the current version again with a new label moves no label of another name', async (secret) => {
    const [first, second] = [newVersionId(), newVersionId()];
    await secret.create({ id: first, text: 'one' });
    await secret.put(second, 'two', [JOURNAL]);
    await secret.put(first, 'one', [CHECK]);
    const { VersionIdsToStages = {} } = await secret.describe();
    // AWS documents that it ignores this request; a label of its own would do no harm.
    const others = Object.entries(VersionIdsToStages).map(([id, stages]) => [
      id,
      stages.filter((each) => each !== CHECK),
    ]);
    assert.deepEqual(Object.fromEntries(others), { [first]: ['AWSCURRENT'], [second]: [JOURNAL] });
    assert.equal((await secret.get({ VersionStage: 'AWSCURRENT' })).SecretString, 'one');
  }),
  onSecret('other content under the id of the AWSCURRENT version is rejected', async (secret) => {
    const id = newVersionId();
    await secret.create({ id, text: 'one' });
    await expectRefusal(secret.put(id, 'other', [JOURNAL]), 'ResourceExistsException');
    assert.equal((await secret.get({ VersionId: id })).SecretString, 'one');
  }),
  onSecret('other content under the id of a version with a label of our own is rejected', async (secret) => {
    const id = newVersionId();
    await secret.create({ id: newVersionId(), text: 'one' });
    await secret.put(id, 'two', [JOURNAL]);
    await expectRefusal(secret.put(id, 'other', [JOURNAL]), 'ResourceExistsException');
    assert.equal((await secret.get({ VersionId: id })).SecretString, 'two');
  }),
  onSecret('other content under the id of a version without labels is rejected', async (secret) => {
    const id = newVersionId();
    await secret.create({ id: newVersionId(), text: 'one' });
    await secret.put(id, 'two', [JOURNAL]);
    await secret.put(newVersionId(), 'three', [JOURNAL]);
    await expectRefusal(secret.put(id, 'other', [JOURNAL]), 'ResourceExistsException');
    assert.equal((await secret.get({ VersionId: id })).SecretString, 'two');
  }),
  onSecret(
    'other content under the id of a version with AWSPENDING is rejected',
    async (secret) => {
      const id = newVersionId();
      await secret.create({ id: newVersionId(), text: 'one' });
      await secret.put(id, 'two', ['AWSPENDING']);
      await expectRefusal(secret.put(id, 'other', ['AWSPENDING']), 'ResourceExistsException');
      assert.equal((await secret.get({ VersionId: id })).SecretString, 'two');
    },
    { moto: 'moto overwrites a version that holds AWSPENDING' },
  ),
  onSecret('of two simultaneous puts under one id, exactly one wins', async (secret) => {
    const id = newVersionId();
    await secret.create({ id: newVersionId(), text: 'zero' });
    const puts = ['one', 'two'].map((text) => secret.put(id, text, [JOURNAL]).then(() => text));
    const results = await Promise.allSettled(puts);
    const winners = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    assert.deepEqual(winners, [(await secret.get({ VersionId: id })).SecretString]);
  }),
  onSecret('a value of 65,536 bytes is taken', async (secret) => {
    await secret.create();
    await secret.put(newVersionId(), 'x'.repeat(MAX_VALUE_BYTES));
  }),
  onSecret(
    'a value of 65,537 bytes is rejected',
    async (secret) => {
      await secret.create();
      const put = secret.put(newVersionId(), 'x'.repeat(MAX_VALUE_BYTES + 1));
      await expectRefusal(put, 'ValidationException', 'InvalidParameterException');
    },
    { moto: 'moto has no size limit' },
  ),
  onSecret('a version id of fewer than 32 characters is rejected', async (secret) => {
    await secret.create();
    await expectRefusal(secret.put('too-short', 'one'), 'ValidationException', 'InvalidParameterException');
  }),
];
