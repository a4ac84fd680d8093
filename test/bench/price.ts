import { optionsSchema } from '../../infra/options/schema.ts';
import type { Latency } from './bench-world.ts';
import type { Sample } from './sample.ts';
import { spreadOf } from './statistics.ts';
import { refreshCpuMs, type Samples } from './tables.ts';

const MEMORY_MB = [256, 512, 1024];

/** Lambda gives a function the whole of a vCPU at this memory, and less of it in proportion. */
const MB_OF_A_CPU = 1_769;

// Lambda on arm64 in us-east-1, in US dollars. The time of a cold start is billed like any other.
const DOLLARS_PER_GB_SECOND = 0.0000133334;
const DOLLARS_PER_REQUEST = 0.2 / 1_000_000;

const { interval, tokenLifetime } = optionsSchema.parse({});
const SECONDS_A_MONTH = 30 * 24 * 60 * 60;
const TICKS_A_MONTH = SECONDS_A_MONTH / interval.toSeconds();
/** At half of a token's life. */
const REFRESHES_A_MONTH = SECONDS_A_MONTH / (tokenLifetime.toSeconds() / 2);

/** Estimates duration and cost per memory size: measured CPU time, assumed waiting time, each tick as a cold start. */
export function renderPrices(samples: Samples, { awsMs, tokenEndpointMs }: Latency, rounds: Sample['rounds']): string {
  const ours = samples.get('ours') ?? [];
  const freshCpuMs = spreadOf(ours.map(({ fresh }) => fresh.cpuMs)).median;
  const spendCpuMs = spreadOf(ours.map(refreshCpuMs)).median;
  const refreshWaitMs = (rounds.refresh - 1) * awsMs + tokenEndpointMs;
  const rows = MEMORY_MB.map((memory) => {
    const share = Math.min(1, memory / MB_OF_A_CPU);
    const freshMs = freshCpuMs / share + rounds.fresh * awsMs;
    const refreshMs = spendCpuMs / share + refreshWaitMs;
    const monthMs = (TICKS_A_MONTH - REFRESHES_A_MONTH) * freshMs + REFRESHES_A_MONTH * refreshMs;
    const dollars = (monthMs / 1000) * (memory / 1024) * DOLLARS_PER_GB_SECOND + TICKS_A_MONTH * DOLLARS_PER_REQUEST;
    const cells = [
      memory,
      `${(100 * share).toFixed(0)} %`,
      toSeconds(freshMs),
      toSeconds(refreshMs),
      dollars.toFixed(4),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return [
    `CPU of a process, Node's own start included: ${freshCpuMs.toFixed(0)} ms with a fresh tick, ${spendCpuMs.toFixed(0)} ms with a refresh.`,
    '',
    '| memory, MB | share of a CPU | fresh tick, s | refresh, s | US dollars per account and month |',
    '|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}

function toSeconds(ms: number): string {
  return (ms / 1000).toFixed(2);
}
