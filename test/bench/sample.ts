import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import type { BenchWorld, Latency } from './bench-world.ts';
import { findUnwantedModules } from './bundle-rules.ts';
import type { Candidate } from './candidates.ts';
import { type ColdStart, coldStart, type Phase } from './cold-start.ts';

const REFRESH = { action: 'refresh', force: true };
/** Invocations after the first one, as warm as the function ever is. */
const WARM_REFRESHES = 3;

const tokenCopy = z.object({ access_token: z.string() });
const tokens = z.looseObject({ access_token: z.string(), refresh_token: z.string() });

/** A process that found a fresh token, and one that found a due token and then refreshed three more times. */
export interface Sample {
  readonly fresh: ColdStart;
  readonly refresh: ColdStart;
  /** Number of sequential rounds of calls; 0 without latency, which separates them. */
  readonly rounds: { readonly fresh: number; readonly refresh: number };
  /** Operations on AWS, sorted, each with the secret that it names. */
  readonly calls: { readonly fresh: readonly string[]; readonly refresh: readonly string[] };
}

export interface SampleOptions {
  readonly world: BenchWorld;
  readonly candidate: Candidate;
  readonly node: string;
  readonly latency?: Latency | undefined;
}

/** @throws if a candidate did not do its work, as the servers saw it */
export async function takeSample({ world, candidate, node, latency }: SampleOptions): Promise<Sample> {
  const { environment } = world;
  const options = { node, bundlePath: candidate.bundlePath, environment };
  world.begin('fresh', latency);
  const fresh = await coldStart({ ...options, events: [{}] });
  requireFresh(world, candidate, fresh);
  const freshRounds = latency ? countRounds(world, latency) : 0;
  const freshCalls = listCalls(world);

  world.begin('due', latency);
  const warm = Array.from({ length: WARM_REFRESHES }, () => REFRESH);
  const refresh = await coldStart({ ...options, events: [{}, ...warm] });
  requireRefreshed(world, candidate, refresh);
  const refreshRounds = latency ? countRounds(world, latency) / (1 + WARM_REFRESHES) : 0;
  const calls = { fresh: freshCalls, refresh: listCalls(world) };
  return { fresh, refresh, rounds: { fresh: freshRounds, refresh: refreshRounds }, calls };
}

const ofSecret = z.object({ SecretId: z.string().optional() });

function listCalls({ aws }: BenchWorld): string[] {
  return aws.calls.map(({ operation, input }) => `${operation} ${ofSecret.parse(input).SecretId ?? ''}`).sort();
}

/** @throws unless its only call was a read, and it reported that */
export function requireFresh(world: BenchWorld, { name }: Candidate, { phases, modules }: ColdStart): void {
  const { aws, tokenEndpoint } = world;
  const operations = new Set(aws.calls.map(({ operation }) => operation));
  const read = name === 'empty' ? [] : ['GetSecretValue'];
  requireThat(
    isDeepStrictEqual([...operations], read),
    name,
    `its fresh tick called ${[...operations].join(', ') || 'nothing'}`,
  );
  requireThat(tokenEndpoint.requests.length === 0, name, 'its fresh tick sent the refresh token');
  const unwanted = name === 'ours' ? findUnwantedModules(modules) : [];
  requireThat(unwanted.length === 0, name, `it loaded ${unwanted}`);
  requireOutcomes(name, phases, 'fresh');
}

/** @throws unless each invocation brought a token into AWSCURRENT and an event to the bus */
export function requireRefreshed(world: BenchWorld, { name }: Candidate, { phases }: ColdStart): void {
  requireOutcomes(name, phases, 'refreshed');
  const { aws, tokenEndpoint } = world;
  if (name === 'empty') {
    requireThat(aws.calls.length === 0, name, 'it called AWS');
    return;
  }
  const [, ...invocations] = phases;
  const failed = aws.calls.find(({ error, operation }) => error !== undefined && operation !== 'GetSecretValue');
  requireThat(failed === undefined, name, `${failed?.operation} failed: ${failed?.error}`);
  requireThat(
    tokenEndpoint.requests.length === invocations.length,
    name,
    `it sent ${tokenEndpoint.requests.length} POSTs`,
  );
  requireThat(aws.eventBridge.events.length === invocations.length, name, 'not every refresh published an event');
  const answered = tokens.parse(tokenEndpoint.requests.at(-1)?.answer?.body);
  const current = tokens.parse(JSON.parse(world.readCurrent()));
  requireThat(current.access_token === answered.access_token, name, 'AWSCURRENT has another bearer token');
  requireThat(current.refresh_token === answered.refresh_token, name, 'AWSCURRENT has another refresh token');
  const copied = tokenCopy.parse(JSON.parse(world.readTokenSecret()));
  requireThat(copied.access_token === answered.access_token, name, 'the token secret has another bearer token');
}

function requireOutcomes(name: string, [, ...invocations]: readonly Phase[], expected: string): void {
  for (const { result } of invocations) {
    const outcome = name === 'empty' ? 'empty' : expected;
    requireThat(result?.outcome === outcome, name, `it ended with ${result?.outcome}, not with ${outcome}`);
  }
}

function requireThat(isSo: boolean, name: string, mistake: string): void {
  if (!isSo) throw new Error(`Candidate "${name}" did not do its work: ${mistake}.`);
}

/** A call that began before any other of its round can have answered belongs to that round. */
function countRounds({ aws, tokenEndpoint }: BenchWorld, { awsMs }: Latency): number {
  const starts = [...aws.calls, ...tokenEndpoint.requests].map(({ beganAtMs }) => beganAtMs).sort((a, b) => a - b);
  let rounds = 0;
  let roundBeganAtMs = -Infinity;
  for (const beganAtMs of starts) {
    if (beganAtMs < roundBeganAtMs + awsMs) continue;
    rounds += 1;
    roundBeganAtMs = beganAtMs;
  }
  return rounds;
}
