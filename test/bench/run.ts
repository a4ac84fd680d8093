import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { parseScript, script, wholeNumber } from '../support/script.ts';
import { type BenchWorld, type Latency, startBenchWorld } from './bench-world.ts';
import { bundleCandidates, type Candidate, type CandidateName } from './candidates.ts';
import { coldStart } from './cold-start.ts';
import { findNode, type NodeBinary } from './nodes.ts';
import { renderPrices } from './price.ts';
import { type Sample, takeSample } from './sample.ts';
import { renderSizes } from './size.ts';
import { renderColdStarts, renderLatency, type Samples } from './tables.ts';

const COMMAND = script('npm run bench --', 'Measures cold starts of the bundle and of other bundles, and its size.')
  .option('--runs <n>', 'how often each candidate starts', wholeNumber(1), 20)
  .option('--profile <directory>', 'also write a CPU profile of each candidate there')
  .option('--size', 'print the size of each part of the bundle, without measuring times')
  .option('--write', 'also write the tables into docs/performance.md');
const OPTIONS = z.object({
  runs: z.number(),
  profile: z.string().optional(),
  size: z.boolean().default(false),
  write: z.boolean().default(false),
});

const LATENCY: Latency = { awsMs: 20, tokenEndpointMs: 150 };
const DOCUMENT = new URL('../../docs/performance.md', import.meta.url);

async function main(): Promise<void> {
  const { runs, profile, size, write } = parseScript(COMMAND, OPTIONS);
  const sections = size ? [] : await measureAll(runs, profile);
  for (const text of [renderSizes(), ...sections.map(({ text }) => text)]) console.log(`${text}\n`);
  if (!write) return;
  const written = sections.reduce(replaceSection, readFileSync(DOCUMENT, 'utf8'));
  writeFileSync(DOCUMENT, written);
}

interface Section {
  readonly name: string;
  readonly text: string;
}

async function measureAll(runs: number, profile: string | undefined): Promise<Section[]> {
  const { node, missing } = findNode();
  if (missing) console.error(`SKIPPED: Node 24, which Lambda runs, is not to be had here: ${missing}`);
  const directory = mkdtempSync(join(tmpdir(), 'bench-'));
  try {
    await using world = await startBenchWorld();
    const candidates = bundleCandidates(directory);
    if (profile !== undefined) await writeProfiles(world, candidates, node, profile);
    const samples = await interleave(world, candidates, node, runs);
    // Waiting takes the same time in each sample, so fewer samples are enough.
    const slowSamples = await interleave(world, candidates, node, Math.ceil(runs / 2), LATENCY);
    const slow = slowSamples.get('ours')?.[0]?.rounds;
    const where = `Node ${node.version}, ${runs} runs, ${cpus().length} CPUs (${cpus()[0]?.model.trim()}):`;
    return [
      { name: 'cold', text: `${where}\n\n${renderColdStarts(samples, candidates)}` },
      { name: 'latency', text: renderLatency(slowSamples) },
      { name: 'price', text: renderPrices(samples, LATENCY, slow ?? { fresh: Number.NaN, refresh: Number.NaN }) },
    ];
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Takes one sample of each candidate in turn, so that other load on the machine affects all of them alike. */
async function interleave(
  world: BenchWorld,
  candidates: readonly Candidate[],
  node: NodeBinary,
  runs: number,
  latency?: Latency,
): Promise<Samples> {
  const samples = new Map<CandidateName, Sample[]>(candidates.map(({ name }) => [name, []]));
  for (let run = 0; run < runs; run++) {
    for (const candidate of candidates) {
      samples.get(candidate.name)?.push(await takeSample({ world, candidate, node: node.path, latency }));
    }
  }
  return samples;
}

/** Writes a CPU profile of V8 for each candidate: the import and one fresh tick. */
async function writeProfiles(
  world: BenchWorld,
  candidates: readonly Candidate[],
  node: NodeBinary,
  directory: string,
): Promise<void> {
  for (const { name, bundlePath } of candidates) {
    world.begin('fresh');
    const NODE_OPTIONS = `--cpu-prof --cpu-prof-interval=100 --cpu-prof-dir=${join(directory, name)}`;
    const environment = { ...world.environment, NODE_OPTIONS };
    await coldStart({ node: node.path, bundlePath, environment, events: [{}] });
  }
}

function replaceSection(document: string, { name, text }: Section): string {
  const [before, rest] = document.split(`<!-- bench: ${name} -->\n`);
  const end = '<!-- end -->';
  if (before === undefined || !rest?.includes(end)) throw new Error(`docs/performance.md has no section "${name}".`);
  return `${before}<!-- bench: ${name} -->\n${text}\n${rest.slice(rest.indexOf(end))}`;
}

await main();
