import { strict as assert } from 'node:assert';
import { type Check, expectRefusal, newVersionId, onSecret, type TestSecret } from './check.ts';

const JOURNAL = 'TOKEN_REFRESH';

/** UpdateSecretVersionStage: a label moves by compare-and-swap. */
export const stageChecks: readonly Check[] = [
  onSecret('AWSCURRENT moves from the version that holds it, and AWSPREVIOUS follows', async (secret) => {
    const { first, second } = await createTwo(secret);
    await secret.moveStage('AWSCURRENT', { from: first, to: second });
    await secret.expectStages({ AWSCURRENT: second, AWSPREVIOUS: first, [JOURNAL]: second });
  }),
  onSecret(
    'a read without a stage returns the version that AWSCURRENT was moved to',
    async (secret) => {
      const { first, second } = await createTwo(secret);
      await secret.moveStage('AWSCURRENT', { from: first, to: second });
      assert.equal((await secret.get({})).SecretString, 'two');
    },
    { moto: 'moto returns the version that was put last as AWSCURRENT' },
  ),
  onSecret(
    'a put without stages after a move leaves AWSCURRENT on one version only',
    async (secret) => {
      const { first, second } = await createTwo(secret);
      const third = newVersionId();
      await secret.moveStage('AWSCURRENT', { from: first, to: second });
      await secret.put(third, 'three');
      await secret.expectStages({ AWSCURRENT: third, AWSPREVIOUS: second, [JOURNAL]: second });
    },
    { moto: 'moto leaves AWSCURRENT on two versions' },
  ),
  onSecret('AWSCURRENT does not move from a version that does not hold it', async (secret) => {
    const { first, second } = await createTwo(secret);
    await expectRefusal(secret.moveStage('AWSCURRENT', { from: second, to: second }), 'InvalidParameterException');
    await secret.expectStages({ AWSCURRENT: first, [JOURNAL]: second });
  }),
  onSecret('a move of AWSCURRENT that is sent twice is rejected the second time', async (secret) => {
    const { first, second } = await createTwo(secret);
    await secret.moveStage('AWSCURRENT', { from: first, to: second });
    await expectRefusal(secret.moveStage('AWSCURRENT', { from: first, to: second }), 'InvalidParameterException');
    await secret.expectStages({ AWSCURRENT: second, AWSPREVIOUS: first, [JOURNAL]: second });
  }),
  onSecret('AWSCURRENT does not move if the caller does not name its version', async (secret) => {
    const { first, second } = await createTwo(secret);
    await expectRefusal(secret.moveStage('AWSCURRENT', { to: second }), 'InvalidParameterException');
    await secret.expectStages({ AWSCURRENT: first, [JOURNAL]: second });
  }),
  onSecret(
    'AWSCURRENT cannot be removed',
    async (secret) => {
      const { first, second } = await createTwo(secret);
      await expectRefusal(
        secret.moveStage('AWSCURRENT', { from: first }),
        'InvalidParameterException',
        'InvalidRequestException',
      );
      await secret.expectStages({ AWSCURRENT: first, [JOURNAL]: second });
    },
    { moto: 'moto removes it' },
  ),
  onSecret(
    'a label of our own does not move if the caller does not name its version',
    async (secret) => {
      const { first, second } = await createTwo(secret);
      await expectRefusal(secret.moveStage(JOURNAL, { to: first }), 'InvalidParameterException');
      await secret.expectStages({ AWSCURRENT: first, [JOURNAL]: second });
    },
    { moto: 'moto moves labels other than AWSCURRENT without compare-and-swap' },
  ),
  onSecret('a label of our own moves from the version that holds it', async (secret) => {
    const { first, second } = await createTwo(secret);
    await secret.moveStage(JOURNAL, { from: second, to: first });
    await secret.expectStages({ AWSCURRENT: first, [JOURNAL]: first });
  }),
  onSecret(
    'a version keeps a label of our own when it loses AWSCURRENT',
    async (secret) => {
      const [first, second] = [newVersionId(), newVersionId()];
      await secret.create();
      await secret.put(first, 'one', ['AWSCURRENT', JOURNAL]);
      await secret.put(second, 'two');
      await secret.expectStages({ AWSCURRENT: second, AWSPREVIOUS: first, [JOURNAL]: first });
    },
    { moto: 'moto drops labels of our own on demotion' },
  ),
  onSecret(
    'a label that is moved to the version that has it stays there',
    async (secret) => {
      const { first, second } = await createTwo(secret);
      await secret.moveStage('AWSCURRENT', { to: first });
      await secret.moveStage('AWSCURRENT', { from: first, to: first });
      await secret.expectStages({ AWSCURRENT: first, [JOURNAL]: second });
    },
    { moto: 'moto wants to know from which version' },
  ),
  onSecret(
    'a label does not move to a version that does not exist',
    async (secret) => {
      const { first, second } = await createTwo(secret);
      const move = secret.moveStage('AWSCURRENT', { from: first, to: newVersionId() });
      await expectRefusal(move, 'ResourceNotFoundException', 'InvalidParameterException');
      await secret.expectStages({ AWSCURRENT: first, [JOURNAL]: second });
    },
    { moto: 'moto removes the label from the version that had it' },
  ),
  onSecret('a label of our own is removed only from the version that has it', async (secret) => {
    const { first, second } = await createTwo(secret);
    await expectRefusal(secret.moveStage(JOURNAL, { from: first }), 'InvalidParameterException');
    await secret.moveStage(JOURNAL, { from: second });
    await secret.expectStages({ AWSCURRENT: first });
  }),
  onSecret('AWSPREVIOUS leaves a version that becomes current again', async (secret) => {
    const { first, second } = await createTwo(secret);
    await secret.moveStage('AWSCURRENT', { from: first, to: second });
    await secret.moveStage('AWSCURRENT', { from: second, to: first });
    await secret.expectStages({ AWSCURRENT: first, AWSPREVIOUS: second, [JOURNAL]: second });
  }),
];

/** `first` is current, `second` is the head of the journal. */
async function createTwo(secret: TestSecret): Promise<{ first: string; second: string }> {
  const [first, second] = [newVersionId(), newVersionId()];
  await secret.create({ id: first, text: 'one' });
  await secret.put(second, 'two', [JOURNAL]);
  return { first, second };
}
