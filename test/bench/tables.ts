import type { Candidate, CandidateName } from './candidates.ts';
import type { Phase } from './cold-start.ts';
import type { Sample } from './sample.ts';
import { type Spread, spreadOf } from './statistics.ts';

const MIB = 1024 * 1024;
const KIB = 1024;

export type Samples = ReadonlyMap<CandidateName, readonly Sample[]>;

interface Row {
  readonly title: string;
  readonly of: (sample: Sample) => number;
  /** Ratios of times are taken over the empty handler. @default false */
  readonly isOverEmpty?: boolean;
}

const COLD_ROWS: readonly Row[] = [
  { title: 'import, ms of CPU', of: ({ fresh }) => fresh.phases[0].cpuMs, isOverEmpty: true },
  { title: 'import and fresh tick, ms of CPU', of: untilFresh, isOverEmpty: true },
  { title: 'import and whole refresh, ms of CPU', of: untilRefreshed, isOverEmpty: true },
  { title: 'resident after a fresh tick, MiB', of: ({ fresh }) => first(fresh.phases).residentBytes / MIB },
  { title: 'resident after a refresh, MiB', of: ({ refresh }) => first(refresh.phases).residentBytes / MIB },
];

const LATENCY_ROWS: readonly Row[] = [
  { title: 'rounds of a fresh tick', of: ({ rounds }) => rounds.fresh },
  { title: 'rounds of a refresh', of: ({ rounds }) => rounds.refresh },
];

const COLUMNS = ['ours', 'usual', 'sdk', 'floor', 'empty'] as const;

const HEAD = ['| | deployed | usual | SDK | floor | empty | of usual | of SDK |', '|---|---|---|---|---|---|---|---|'];

/** Times, memory and bytes: medians, and in brackets the range of the middle half. */
export function renderColdStarts(samples: Samples, candidates: readonly Candidate[]): string {
  const bytes = new Map(candidates.map((candidate) => [candidate.name, candidate.bytes / KIB]));
  const kib = (name: CandidateName) => bytes.get(name) ?? Number.NaN;
  const shown = COLUMNS.map((name) => kib(name).toFixed(1));
  const ratios = [kib('ours') / kib('usual'), kib('ours') / kib('sdk')];
  const size = `| all files, KiB | ${[...shown, ...ratios.map((ratio) => ratio.toFixed(2))].join(' | ')} |`;
  return [...HEAD, ...COLD_ROWS.map((row) => renderRow(row, samples)), size].join('\n');
}

export function renderLatency(samples: Samples): string {
  return [...HEAD, ...LATENCY_ROWS.map((row) => renderRow(row, samples))].join('\n');
}

function renderRow({ title, of, isOverEmpty = false }: Row, samples: Samples): string {
  const spread = (name: CandidateName) => spreadOf((samples.get(name) ?? []).map(of));
  const base = isOverEmpty ? spread('empty').median : 0;
  const ratio = (one: CandidateName, other: CandidateName) =>
    ((spread(one).median - base) / (spread(other).median - base)).toFixed(2);
  const ratios = [ratio('ours', 'usual'), ratio('ours', 'sdk')];
  const cells = [...COLUMNS.map((name) => renderSpread(spread(name))), ...ratios];
  return `| ${title} | ${cells.join(' | ')} |`;
}

function renderSpread({ median, lower, upper }: Spread): string {
  const digits = Number.isInteger(median) ? 0 : 1;
  const isSharp = lower === upper;
  return isSharp ? median.toFixed(digits) : `${median.toFixed(1)} (${lower.toFixed(1)}–${upper.toFixed(1)})`;
}

/** CPU of a whole process that refreshed once, Node's own start included. */
export function refreshCpuMs({ refresh }: Sample): number {
  const [, , ...warm] = refresh.phases;
  return refresh.cpuMs - warm.reduce((sum, { cpuMs }) => sum + cpuMs, 0);
}

function untilFresh({ fresh }: Sample): number {
  return fresh.phases[0].cpuMs + first(fresh.phases).cpuMs;
}

function untilRefreshed({ refresh }: Sample): number {
  return refresh.phases[0].cpuMs + first(refresh.phases).cpuMs;
}

/** The first invocation. */
function first([, invocation]: readonly Phase[]): Phase {
  if (invocation === undefined) throw new Error('Nothing was invoked.');
  return invocation;
}
