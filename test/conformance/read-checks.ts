import { strict as assert } from 'node:assert';
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  RestoreSecretCommand,
} from '@aws-sdk/client-secrets-manager';
import { type Check, expectRefusal, newVersionId, onSecret, TestSecret } from './check.ts';

const JOURNAL = 'TOKEN_REFRESH';

/** GetSecretValue, DescribeSecret, ListSecretVersionIds, and a secret that is scheduled for deletion. */
export const readChecks: readonly Check[] = [
  onSecret('a version without labels is read by its id', async (secret) => {
    const id = newVersionId();
    await secret.create({ id: newVersionId(), text: 'one' });
    await secret.put(id, 'two', [JOURNAL]);
    await secret.put(newVersionId(), 'three', [JOURNAL]);
    const { SecretString, VersionId, VersionStages = [] } = await secret.get({ VersionId: id });
    assert.deepEqual(
      { SecretString, VersionId, VersionStages },
      { SecretString: 'two', VersionId: id, VersionStages: [] },
    );
  }),
  onSecret('a read returns id, stages and creation of the version', async (secret) => {
    const id = newVersionId();
    await secret.create({ id, text: 'one' });
    const { VersionId, VersionStages, CreatedDate } = await secret.get({ VersionStage: 'AWSCURRENT' });
    assert.deepEqual({ VersionId, VersionStages }, { VersionId: id, VersionStages: ['AWSCURRENT'] });
    assert.ok(CreatedDate instanceof Date);
  }),
  onSecret('a read of an unknown stage is ResourceNotFoundException', async (secret) => {
    await secret.create({ id: newVersionId(), text: 'one' });
    await expectRefusal(secret.get({ VersionStage: JOURNAL }), 'ResourceNotFoundException');
  }),
  onSecret('a read of an unknown version is ResourceNotFoundException', async (secret) => {
    await secret.create({ id: newVersionId(), text: 'one' });
    await expectRefusal(secret.get({ VersionId: newVersionId() }), 'ResourceNotFoundException');
  }),
  {
    name: 'a secret that does not exist is ResourceNotFoundException for every call',
    async run(client) {
      const secret = new TestSecret(client);
      await expectRefusal(secret.get({ VersionStage: 'AWSCURRENT' }), 'ResourceNotFoundException');
      await expectRefusal(secret.describe(), 'ResourceNotFoundException');
      await expectRefusal(secret.put(newVersionId(), 'one'), 'ResourceNotFoundException');
    },
  },
  onSecret('a secret without a value: reads find nothing, DescribeSecret finds it', async (secret) => {
    await secret.create();
    await expectRefusal(secret.get({ VersionStage: 'AWSCURRENT' }), 'ResourceNotFoundException');
    const { Name, VersionIdsToStages = {}, DeletedDate } = await secret.describe();
    assert.deepEqual(
      { Name, VersionIdsToStages, DeletedDate },
      { Name: secret.id, VersionIdsToStages: {}, DeletedDate: undefined },
    );
  }),
  onSecret('a secret is found by its ARN', async (secret) => {
    await secret.create({ id: newVersionId(), text: 'one' });
    const { ARN = '' } = await secret.describe();
    assert.match(ARN, new RegExp(`:secret:${secret.id}-.{6}$`));
    const byArn = await secret.client.send(new GetSecretValueCommand({ SecretId: ARN, VersionStage: 'AWSCURRENT' }));
    assert.equal(byArn.SecretString, 'one');
  }),
  onSecret('a binary value comes back as SecretBinary, without SecretString', async (secret) => {
    const SecretBinary = new Uint8Array([0, 127, 255]);
    await secret.client.send(new CreateSecretCommand({ Name: secret.id, SecretBinary }));
    const value = await secret.get({ VersionStage: 'AWSCURRENT' });
    assert.deepEqual([...(value.SecretBinary ?? [])], [0, 127, 255]);
    assert.equal(value.SecretString, undefined);
  }),
  onSecret(
    'ListSecretVersionIds leaves out versions without labels',
    async (secret) => {
      const { labelled, deprecated } = await createDeprecated(secret);
      const { Versions = [] } = await secret.list();
      assert.deepEqual(Versions.map(({ VersionId }) => VersionId).sort(), labelled.sort());
      assert.ok(!labelled.includes(deprecated));
    },
    { moto: 'moto lists every version, always' },
  ),
  onSecret('ListSecretVersionIds with IncludeDeprecated lists them, with CreatedDate', async (secret) => {
    const { labelled, deprecated } = await createDeprecated(secret);
    const { Versions = [] } = await secret.list({ IncludeDeprecated: true });
    assert.deepEqual(Versions.map(({ VersionId }) => VersionId).sort(), [...labelled, deprecated].sort());
    assert.ok(Versions.every(({ CreatedDate }) => CreatedDate instanceof Date));
  }),
  onSecret(
    'ListSecretVersionIds goes on at NextToken',
    async (secret) => {
      const { labelled, deprecated } = await createDeprecated(secret);
      const ids: (string | undefined)[] = [];
      let page = await secret.list({ IncludeDeprecated: true, MaxResults: 2 });
      assert.ok(page.NextToken, 'no NextToken after the first page');
      while (page.NextToken) {
        ids.push(...(page.Versions ?? []).map(({ VersionId }) => VersionId));
        page = await secret.list({ IncludeDeprecated: true, MaxResults: 2, NextToken: page.NextToken });
      }
      ids.push(...(page.Versions ?? []).map(({ VersionId }) => VersionId));
      assert.deepEqual(ids.sort(), [...labelled, deprecated].sort());
    },
    { moto: 'moto answers one page with everything' },
  ),
  onSecret('a secret that is scheduled for deletion cannot be read, and DescribeSecret says why', async (secret) => {
    await secret.create({ id: newVersionId(), text: 'one' });
    await secret.scheduleDeletion();
    await expectRefusal(secret.get({ VersionStage: 'AWSCURRENT' }), 'InvalidRequestException');
    assert.ok((await secret.describe()).DeletedDate instanceof Date);
  }),
  onSecret(
    'a secret that is scheduled for deletion takes no PutSecretValue',
    async (secret) => {
      await secret.create({ id: newVersionId(), text: 'one' });
      await secret.scheduleDeletion();
      await expectRefusal(secret.put(newVersionId(), 'two', [JOURNAL]), 'InvalidRequestException');
    },
    { moto: 'moto writes to it' },
  ),
  onSecret(
    'a secret that is scheduled for deletion takes no UpdateSecretVersionStage',
    async (secret) => {
      const [first, second] = [newVersionId(), newVersionId()];
      await secret.create({ id: first, text: 'one' });
      await secret.put(second, 'two', [JOURNAL]);
      await secret.scheduleDeletion();
      await expectRefusal(secret.moveStage('AWSCURRENT', { from: first, to: second }), 'InvalidRequestException');
    },
    { moto: 'moto moves its labels' },
  ),
  onSecret('a read by id and stage fails unless both name the same version', async (secret) => {
    const { labelled, deprecated } = await createDeprecated(secret);
    const [current] = labelled;
    await expectRefusal(
      secret.get({ VersionId: deprecated, VersionStage: 'AWSCURRENT' }),
      'InvalidRequestException',
      'ResourceNotFoundException',
    );
    assert.equal((await secret.get({ VersionId: current, VersionStage: 'AWSCURRENT' })).SecretString, 'one');
  }),
  onSecret('a secret is found by its ARN without the last six characters', async (secret) => {
    await secret.create({ id: newVersionId(), text: 'one' });
    const { ARN = '' } = await secret.describe();
    const { Name } = await secret.client.send(new DescribeSecretCommand({ SecretId: ARN.slice(0, -7) }));
    assert.equal(Name, secret.id);
  }),
  onSecret('a secret is created twice only by the same request', async (secret) => {
    const id = newVersionId();
    await secret.create({ id, text: 'one' });
    await secret.create({ id, text: 'one' });
    await expectRefusal(secret.create({ id, text: 'other' }), 'ResourceExistsException');
  }),
  onSecret('a secret that is restored has its value', async (secret) => {
    await secret.create({ id: newVersionId(), text: 'one' });
    await secret.scheduleDeletion();
    await secret.client.send(new RestoreSecretCommand({ SecretId: secret.id }));
    assert.equal((await secret.get({})).SecretString, 'one');
  }),
  onSecret(
    'a secret that is scheduled for deletion keeps its name',
    async (secret) => {
      await secret.create({ id: newVersionId(), text: 'one' });
      await secret.scheduleDeletion();
      await expectRefusal(secret.create(), 'InvalidRequestException');
    },
    { moto: 'moto answers ResourceExistsException' },
  ),
];

async function createDeprecated(secret: TestSecret): Promise<{ labelled: string[]; deprecated: string }> {
  const [current, deprecated, head] = [newVersionId(), newVersionId(), newVersionId()];
  await secret.create({ id: current, text: 'one' });
  await secret.put(deprecated, 'two', [JOURNAL]);
  await secret.put(head, 'three', [JOURNAL]);
  return { labelled: [current, head], deprecated };
}
