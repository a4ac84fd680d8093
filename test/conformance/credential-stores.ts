import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SecretsManagerCredentialStore } from '../../lambda/adapters/secrets-manager-credential-store.ts';
import type { CredentialStore } from '../../lambda/core/ports.ts';
import { FleetSecret } from '../fleet/fleet-secret.ts';
import { Timeline } from '../fleet/timeline.ts';
import { WriteQuota } from '../fleet/write-quota.ts';
import { startAws } from '../sandbox/aws/aws-server.ts';
import { SecretsManager } from '../sandbox/aws/secrets-manager.ts';
import { SECRET_ID as SIMULATED_SECRET_ID } from '../simulation/invariants.ts';
import { SimulatedRun } from '../simulation/simulated-run.ts';
import { World } from '../simulation/world.ts';
import { Choices } from '../support/choices.ts';
import { FakeCredentialStore, SECRET_ID } from '../support/fake-credential-store.ts';
import { createEmulatorClient } from './run-checks.ts';

/** One implementation of the port, on a secret whose only version holds `text`. */
export interface OpenStore {
  readonly store: CredentialStore;
  /** Carries out calls. A model with a virtual clock advances it until they are answered. */
  carryOut<Answer>(calls: () => Promise<Answer>): Promise<Answer>;
  /** Moves the store's clock forward. */
  pass(milliseconds: number): Promise<void>;
  close(): Promise<void>;
}

/** The adapter and every model of a secret that other tests rely on. */
export const CREDENTIAL_STORES: Readonly<Record<string, (text: string) => Promise<OpenStore>>> = {
  'the adapter, over HTTP': openAdapter,
  'the fake of the unit tests': openFake,
  'the secret of the simulation': openSimulated,
  'the secret of the fleet simulation': openFleetSecret,
};

async function openAdapter(text: string): Promise<OpenStore> {
  let nowMs = Date.UTC(2026, 0, 1);
  const aws = await startAws({ now: () => nowMs });
  aws.secretsManager.createSecret({ Name: SECRET_ID, SecretString: text });
  const client: SecretsManagerClient = createEmulatorClient(aws.url);
  return {
    store: new SecretsManagerCredentialStore(client, SECRET_ID),
    carryOut: (calls) => calls(),
    async pass(milliseconds) {
      nowMs += milliseconds;
    },
    async close() {
      client.destroy();
      await aws.close();
    },
  };
}

async function openFake(text: string): Promise<OpenStore> {
  let nowMs = Date.UTC(2026, 0, 1);
  const secretsManager = new SecretsManager({ now: () => nowMs });
  secretsManager.createSecret({ Name: SECRET_ID, SecretString: text });
  return {
    store: new FakeCredentialStore(secretsManager),
    carryOut: (calls) => calls(),
    async pass(milliseconds) {
      nowMs += milliseconds;
    },
    async close() {},
  };
}

async function openSimulated(text: string): Promise<OpenStore> {
  const world = new World(Choices.fromSeed(1), 'strict');
  world.secretsManager.createSecret({ Name: SIMULATED_SECRET_ID, SecretString: text });
  // The witness judges what the protocol stores, and these tests store anything.
  world.witness.afterPut = () => undefined;
  world.witness.afterPromote = () => undefined;
  // A run that nothing ends: the contract is about calls, and not about how many a run may make.
  const environment = { memory: {}, handed: [], isBusy: false, timeoutMs: Number.MAX_SAFE_INTEGER / 2 };
  const pass = (milliseconds: number) => world.play(world.nowMs + milliseconds);
  return {
    store: new SimulatedRun(world, 1, environment, false, 0),
    async carryOut(calls) {
      const answer = settle(calls());
      await pass(60_000);
      return await (await answer)();
    },
    pass,
    async close() {},
  };
}

async function openFleetSecret(text: string): Promise<OpenStore> {
  const timeline = new Timeline(Date.UTC(2026, 0, 1));
  const pass = async (milliseconds: number) => {
    // Without any event, the clock would stop; a call begins one turn after it is made.
    timeline.after(0, () => undefined);
    timeline.after(milliseconds, () => undefined);
    await timeline.runUntil(timeline.nowMs + milliseconds);
  };
  return {
    store: new FleetSecret(
      timeline,
      new WriteQuota(),
      (from) => from,
      () => undefined,
      text,
    ),
    async carryOut(calls) {
      const answer = settle(calls());
      await pass(60_000);
      return await (await answer)();
    },
    pass,
    async close() {},
  };
}

/** Turns a rejection into a value, so that it is handled while the clock is still being advanced. */
async function settle<Answer>(answer: Promise<Answer>): Promise<() => Answer> {
  try {
    const value = await answer;
    return () => value;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}
