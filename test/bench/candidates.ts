import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleHandler, runEsbuild } from '../../infra/bundle/bundle-handler.ts';

const NAMES = ['ours', 'usual', 'floor', 'empty', 'sdk'] as const;
export type CandidateName = (typeof NAMES)[number];

export interface Candidate {
  readonly name: CandidateName;
  /** Module that exports `handler`. */
  readonly bundlePath: string;
  /** Size of all files. */
  readonly bytes: number;
}

/** Bundles each candidate into a directory of its own below `directory`. */
export function bundleCandidates(directory: string): Candidate[] {
  return NAMES.map((name) => {
    const output = join(directory, name);
    mkdirSync(output);
    const bundlePath =
      name === 'ours' || name === 'sdk' ? bundleAsDeployed(name, output) : bundleByDefaults(name, output);
    return { name, bundlePath, bytes: sizeOf(output) };
  });
}

function bundleAsDeployed(name: 'ours' | 'sdk', output: string): string {
  // The SDK is used as AWS publishes it: omitting parts of it is work of ours.
  bundleHandler(output, name === 'ours' ? {} : { entryPath: entryOf(name), isAsPublished: true });
  return join(output, 'index.mjs');
}

/** esbuild's defaults for Node, CommonJS in one file; minified, which favors them. */
function bundleByDefaults(name: CandidateName, output: string): string {
  const bundlePath = join(output, 'index.cjs');
  const options = ['--bundle', '--platform=node', '--target=node24', '--minify', '--log-level=warning'];
  runEsbuild([entryOf(name), ...options, `--outfile=${bundlePath}`]);
  return bundlePath;
}

function entryOf(name: CandidateName): string {
  return fileURLToPath(new URL(`candidates/${name}.ts`, import.meta.url));
}

function sizeOf(directory: string): number {
  return readdirSync(directory).reduce((bytes, name) => bytes + statSync(join(directory, name)).size, 0);
}
