import { describe, expect, test } from 'vitest';
import { Choices } from '../support/choices.ts';
import { SECRET_ID, Violation } from './invariants.ts';
import { SimulatedRun } from './simulated-run.ts';
import { Silence, World } from './world.ts';

const CREDENTIALS = { client_id: 'id', client_secret: 'secret' };

/** A refreshed secret that an operator has edited since, and an empty token secret. A fresh tick then takes four calls of 5 ms. */
async function createWorld() {
  const world = new World(Choices.replay([]), 'grace');
  const { secretsManager, provider, labels, witness } = world;
  const put = (document: object) => {
    secretsManager.putSecretValue({ SecretId: SECRET_ID, SecretString: JSON.stringify(document) });
    labels.note();
    witness.afterOperator();
  };
  const read = () => JSON.parse(secretsManager.getSecretValue({ SecretId: SECRET_ID }).SecretString ?? '{}');
  secretsManager.createSecret({ Name: SECRET_ID });
  put({ ...CREDENTIALS, refresh_token: provider.authorize() });
  const original = read();
  const start = (id: number) => {
    const run = new SimulatedRun(world, id, { memory: {}, handed: [], isBusy: false, timeoutMs: 60_000 }, false, 0);
    return { run, end: run.play(run.context(new Silence())) };
  };
  start(1);
  await world.play(world.nowMs + 1_000);
  put({ ...read(), note: 'edited' });
  world.createTokenSecret();
  return { world, start, restoreOriginal: () => put(original) };
}

describe('the witness of I8: a fresh tick', () => {
  test('may look once more if an edit crossed it', async () => {
    const { world, start, restoreOriginal } = await createWorld();
    const { run, end } = start(2);
    world.at(world.nowMs + 12, restoreOriginal);
    await world.play(world.nowMs + 1_000);
    expect(await end).toBe('fresh');
    expect(run.calls).toBe(5);
    run.judgeFreshTick();
    await world.play(world.nowMs + 1_000);
  });

  test('must not make more calls than that if nothing moved', async () => {
    const { world, start } = await createWorld();
    const { run } = start(2);
    await world.play(world.nowMs + 1_000);
    const { run: quiet, end } = start(3);
    await world.play(world.nowMs + 1_000);
    expect(await end).toBe('fresh');
    quiet.judgeFreshTick();
    quiet.calls++;
    quiet.judgeFreshTick();
    await expect(world.play(world.nowMs + 1_000)).rejects.toThrow(Violation);
    expect(run.calls).toBeGreaterThan(0);
  });
});
