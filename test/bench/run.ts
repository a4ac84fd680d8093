import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { parseScript, script, wholeNumber } from '../support/script.ts';
import { type BenchWorld, type Latency, startBenchWorld } from './bench-world.ts';
import { bundleCandidates, type Candidate, type CandidateName } from './candidates.ts';
import { findNodes, type NodeBinary } from './nodes.ts';
import { renderPrices } from './price.ts';
import { type Sample, takeSample } from './sample.ts';
import { renderSizes } from './size.ts';
import { renderColdStarts, renderLatency, type Samples } from './tables.ts';

const COMMAND = script(
  'npm run bench --',
  'Measures cold starts of the bundle beside those of other bundles, and its size.',
)
  .option('--runs <n>', 'how often each candidate starts', wholeNumber(1), 20)
  .option('--size', 'print what in the bundle costs how many bytes, and measure no times')
  .option('--write', 'write the tables into docs/performance.md, too');
const OPTIONS = z.object({ runs: z.number(), size: z.boolean().default(false), write: z.boolean().default(false) });

const LATENCY: Latency = { awsMs: 20, tokenEndpointMs: 150 };
const DOCUMENT = new URL('../../docs/performance.md', import.meta.url);

async function main(): Promise<void> {
  const { runs, size, write } = parseScript(COMMAND, OPTIONS);
  const sections = [{ name: 'size', text: renderSizes() }, ...(size ? [] : await measureAll(runs))];
  for (const { text } of sections) console.log(`${text}\n`);
  if (!write) return;
  const written = sections.reduce(replaceSection, readFileSync(DOCUMENT, 'utf8'));
  writeFileSync(DOCUMENT, written);
}

interface Section {
  readonly name: string;
  readonly text: string;
}

async function measureAll(runs: number): Promise<Section[]> {
  const { nodes, missing } = findNodes();
  if (missing) console.error(`SKIPPED: Node 24, which Lambda runs, is not to be had here: ${missing}`);
  const directory = mkdtempSync(join(tmpdir(), 'bench-'));
  try {
    await using world = await startBenchWorld();
    const candidates = bundleCandidates(directory);
    const byNode = await interleave(world, candidates, nodes, runs);
    const [deployed] = nodes;
    if (deployed === undefined) throw new Error('There is no Node.');
    // Waiting is the same each time, so that fewer do.
    const slow = await interleave(world, candidates, [deployed], Math.ceil(runs / 2), LATENCY);
    const slowSamples: Samples = slow.get(deployed) ?? new Map();
    const rounds = slowSamples.get('ours')?.[0]?.rounds.refresh ?? Number.NaN;
    return [
      { name: 'cold', text: nodes.map((node) => renderNode(node, runs, byNode, candidates)).join('\n\n') },
      { name: 'latency', text: `Node ${deployed.version}:\n\n${renderLatency(slowSamples)}` },
      { name: 'price', text: renderPrices(byNode.get(deployed) ?? new Map(), LATENCY, rounds) },
    ];
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** One sample of each candidate on each Node, and again: whatever the machine does besides strikes all alike. */
async function interleave(
  world: BenchWorld,
  candidates: readonly Candidate[],
  nodes: readonly NodeBinary[],
  runs: number,
  latency?: Latency,
): Promise<Map<NodeBinary, Map<CandidateName, Sample[]>>> {
  const samples = new Map(
    nodes.map((node) => [node, new Map<CandidateName, Sample[]>(candidates.map(({ name }) => [name, []]))]),
  );
  for (let run = 0; run < runs; run++) {
    for (const [node, byCandidate] of samples) {
      for (const candidate of candidates) {
        byCandidate.get(candidate.name)?.push(await takeSample({ world, candidate, node: node.path, latency }));
      }
    }
  }
  return samples;
}

function renderNode(
  node: NodeBinary,
  runs: number,
  byNode: ReadonlyMap<NodeBinary, Samples>,
  candidates: readonly Candidate[],
): string {
  const table = renderColdStarts(byNode.get(node) ?? new Map(), candidates);
  return `Node ${node.version}, ${runs} runs, ${cpus().length} CPUs (${cpus()[0]?.model.trim()}):\n\n${table}`;
}

function replaceSection(document: string, { name, text }: Section): string {
  const [before, rest] = document.split(`<!-- bench: ${name} -->\n`);
  const end = '<!-- end -->';
  if (before === undefined || !rest?.includes(end)) throw new Error(`docs/performance.md has no section "${name}".`);
  return `${before}<!-- bench: ${name} -->\n${text}\n${rest.slice(rest.indexOf(end))}`;
}

await main();
