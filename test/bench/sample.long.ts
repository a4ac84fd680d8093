import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type BenchWorld, startBenchWorld } from './bench-world.ts';
import { bundleCandidates, type Candidate, type CandidateName } from './candidates.ts';
import type { ColdStart } from './cold-start.ts';
import { requireFresh, requireRefreshed, type Sample, takeSample } from './sample.ts';

let world: BenchWorld;

beforeAll(async () => {
  world = await startBenchWorld();
});

beforeEach(() => world.begin('due'));

afterAll(() => world[Symbol.asyncDispose]());

const candidate = (name: CandidateName): Candidate => ({ name, bundlePath: '', bytes: 0 });

/** Report of a process that ended in this way, whatever it did. */
function reportOf(outcome: string, modules: string[] = []): ColdStart {
  const phase = { ms: 1, cpuMs: 1, residentBytes: 1 };
  return { phases: [phase, { ...phase, result: { outcome } }], cpuMs: 2, modules };
}

/** Returns the report as if the call had been made. */
function call(operation: string, error?: string): void {
  const service = operation === 'PutEvents' ? 'events' : 'secretsmanager';
  world.aws.calls.push({ service, operation, input: {}, beganAtMs: 0, ...(error && { error }) });
}

test('a fresh tick only reads, and reports that', () => {
  expect(() => requireFresh(world, candidate('usual'), reportOf('fresh'))).toThrow('its fresh tick called nothing');
  call('GetSecretValue');
  expect(() => requireFresh(world, candidate('usual'), reportOf('fresh'))).not.toThrow();
  expect(() => requireFresh(world, candidate('usual'), reportOf('refreshed'))).toThrow('it ended with refreshed');
  expect(() => requireFresh(world, candidate('empty'), reportOf('empty'))).toThrow('called GetSecretValue');
  call('PutSecretValue');
  expect(() => requireFresh(world, candidate('usual'), reportOf('fresh'))).toThrow('GetSecretValue, PutSecretValue');
});

test('the deployed bundle loads nothing unwanted for it', () => {
  call('GetSecretValue');
  const report = reportOf('fresh', ['NativeModule https', 'NativeModule http2']);
  expect(() => requireFresh(world, candidate('ours'), report)).toThrow('it loaded NativeModule http2');
  expect(() => requireFresh(world, candidate('usual'), report)).not.toThrow();
});

test('a refresh sends, stores and announces what it reports', async () => {
  const refreshed = () => requireRefreshed(world, candidate('floor'), reportOf('refreshed'));
  expect(refreshed).toThrow('it sent 0 POSTs');
  await fetch(world.tokenEndpoint.url, { method: 'POST' });
  expect(refreshed).toThrow('not every refresh published an event');
  const Entries = [{ Source: 'bench', DetailType: 'Token Refreshed', Detail: '{}' }];
  world.aws.eventBridge.putEvents({ Entries });
  expect(refreshed).toThrow('AWSCURRENT has another bearer token');
  const SecretString = JSON.stringify(world.tokenEndpoint.requests[0]?.answer?.body);
  world.aws.secretsManager.putSecretValue({ SecretId: 'RetentlyCredentials', SecretString });
  expect(refreshed).toThrow('the token secret has another bearer token');
  world.aws.secretsManager.putSecretValue({ SecretId: 'RetentlyToken', SecretString });
  expect(refreshed).not.toThrow();
  call('PutSecretValue', 'ResourceExistsException');
  expect(refreshed).toThrow('PutSecretValue failed: ResourceExistsException');
});

test('the hand-signed floor and the SDK make exactly the calls of the deployed bundle', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'bench-'));
  try {
    const calls: Partial<Record<CandidateName, Sample['calls']>> = {};
    for (const each of bundleCandidates(directory)) {
      calls[each.name] = (await takeSample({ world, candidate: each, node: process.execPath })).calls;
    }
    expect(calls.ours?.fresh).toHaveLength(3);
    expect(calls.floor).toEqual(calls.ours);
    expect(calls.sdk).toEqual(calls.ours);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
