import { strict as assert } from 'node:assert';
import { randomUUID } from 'node:crypto';
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  type GetSecretValueCommandInput,
  ListSecretVersionIdsCommand,
  PutSecretValueCommand,
  type SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';

/** Beginning of the name of every secret that a check makes; no other secret is touched. */
export const SECRET_NAME_PREFIX = 'retently-token-refresh-conformance-';

/** A public emulator. Each check lists the emulator's departures from AWS. */
export type Emulator = 'moto';

/** One behavior of AWS Secrets Manager that the project relies on. */
export interface Check {
  name: string;
  /** Why this emulator fails the check. */
  knownDepartures?: Partial<Record<Emulator, string>>;
  /** Resolves if the service behaves this way; rejects with the behavior seen instead. */
  run(client: SecretsManagerClient): Promise<void>;
}

/** One secret for one check, and the few calls that the checks make on it. */
export class TestSecret {
  readonly id = SECRET_NAME_PREFIX + randomUUID();
  readonly client: SecretsManagerClient;

  constructor(client: SecretsManagerClient) {
    this.client = client;
  }

  /** Runs with a secret; if there is a `value`, the secret has a first version of that id. */
  async create(value?: { id: string; text: string }): Promise<void> {
    const version = value === undefined ? {} : { ClientRequestToken: value.id, SecretString: value.text };
    await this.client.send(new CreateSecretCommand({ Name: this.id, ...version }));
  }

  put(id: string, text: string, stages?: string[]) {
    const labels = stages === undefined ? {} : { VersionStages: stages };
    const input = { SecretId: this.id, ClientRequestToken: id, SecretString: text, ...labels };
    return this.client.send(new PutSecretValueCommand(input));
  }

  get(version: Pick<GetSecretValueCommandInput, 'VersionId' | 'VersionStage'>) {
    return this.client.send(new GetSecretValueCommand({ SecretId: this.id, ...version }));
  }

  moveStage(stage: string, move: { from?: string; to?: string }) {
    const from = move.from === undefined ? {} : { RemoveFromVersionId: move.from };
    const to = move.to === undefined ? {} : { MoveToVersionId: move.to };
    const input = { SecretId: this.id, VersionStage: stage, ...from, ...to };
    return this.client.send(new UpdateSecretVersionStageCommand(input));
  }

  describe() {
    return this.client.send(new DescribeSecretCommand({ SecretId: this.id }));
  }

  list(input: { IncludeDeprecated?: boolean; MaxResults?: number; NextToken?: string } = {}) {
    return this.client.send(new ListSecretVersionIdsCommand({ SecretId: this.id, ...input }));
  }

  scheduleDeletion() {
    return this.client.send(new DeleteSecretCommand({ SecretId: this.id, RecoveryWindowInDays: 7 }));
  }

  delete() {
    return this.client.send(new DeleteSecretCommand({ SecretId: this.id, ForceDeleteWithoutRecovery: true }));
  }

  /** Which version each of the labels is on, by `DescribeSecret`. */
  async expectStages(expected: Record<string, string>): Promise<void> {
    const { VersionIdsToStages = {} } = await this.describe();
    const pairs = Object.entries(VersionIdsToStages).flatMap(([id, stages]) => stages.map((stage) => [stage, id]));
    assert.deepEqual(pairs.sort(), Object.entries(expected).sort());
  }
}

/** A check with its own secret, which is always deleted afterwards. */
export function onSecret(
  name: string,
  run: (secret: TestSecret) => Promise<void>,
  knownDepartures: NonNullable<Check['knownDepartures']> = {},
): Check {
  return {
    name,
    knownDepartures,
    async run(client) {
      const secret = new TestSecret(client);
      try {
        await run(secret);
      } finally {
        await secret.delete();
      }
    },
  };
}

/** Resolves if AWS rejects the call with exactly this error code. */
export async function expectRefusal(request: Promise<unknown>, ...codes: string[]): Promise<void> {
  const code = await request.then(
    () => 'no error',
    (error: unknown) => (error instanceof Error ? error.name : String(error)),
  );
  assert.ok(codes.includes(code), `expected ${codes.join(' or ')}, got ${code}`);
}

export function newVersionId(): string {
  return randomUUID();
}
