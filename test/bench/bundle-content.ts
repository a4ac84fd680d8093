import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import * as z from 'zod';
import { bundleHandler } from '../../infra/bundle/bundle-handler.ts';

/** Schema of esbuild's metafile, for each output file. */
const metafile = z.object({
  outputs: z.record(
    z.string(),
    z.object({
      bytes: z.number(),
      inputs: z.record(z.string(), z.object({ bytesInOutput: z.number() })),
      imports: z.array(z.object({ path: z.string(), kind: z.string(), external: z.boolean().optional() })),
    }),
  ),
});

/** One file of the bundle. */
export interface BundledFile {
  readonly name: string;
  readonly bytes: number;
  /** A start reads and evaluates it. */
  readonly isOfStart: boolean;
  /** Bytes by npm package, or by directory of our own. */
  readonly bytesByOrigin: ReadonlyMap<string, number>;
  /** Imports that no file of the bundle contains. */
  readonly externals: readonly string[];
}

/** Builds the deployed bundle in `directory`, or in a temporary one, and returns its content. */
export function bundleWithContent(directory?: string): BundledFile[] {
  const temporary = mkdtempSync(join(tmpdir(), 'bundle-content-'));
  try {
    const metafilePath = join(temporary, 'meta.json');
    bundleHandler(directory ?? join(temporary, 'bundle'), { metafilePath });
    return parseMetafile(readFileSync(metafilePath, 'utf8'), 'index.mjs');
  } finally {
    rmSync(temporary, { recursive: true });
  }
}

/** @param entryName name of the file that is imported first */
export function parseMetafile(text: string, entryName: string): BundledFile[] {
  const { outputs } = metafile.parse(JSON.parse(text));
  const files = Object.entries(outputs).map(([path, { bytes, inputs, imports }]) => ({
    name: basename(path),
    bytes,
    bytesByOrigin: sumByOrigin(inputs),
    externals: imports.filter(({ external }) => external).map(({ path }) => path),
    startImports: imports
      .filter(({ kind, external }) => kind !== 'dynamic-import' && !external)
      .map(({ path }) => basename(path)),
  }));
  const start = new Set([entryName]);
  // A set that grows while it is walked is walked to its end.
  for (const name of start) {
    for (const imported of files.find((file) => file.name === name)?.startImports ?? []) start.add(imported);
  }
  return files.map(({ startImports: _, ...file }) => ({ ...file, isOfStart: start.has(file.name) }));
}

function sumByOrigin(inputs: Readonly<Record<string, { bytesInOutput: number }>>): Map<string, number> {
  const sums = new Map<string, number>();
  for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
    if (bytesInOutput === 0) continue;
    const origin = originOf(path);
    sums.set(origin, (sums.get(origin) ?? 0) + bytesInOutput);
  }
  return sums;
}

/** `@scope/name` or `name` of the innermost package; else the path without its file. */
function originOf(path: string): string {
  const inPackage = path.split('node_modules/').at(-1);
  if (inPackage === undefined || inPackage === path) return path.split('/').slice(0, -1).join('/');
  return inPackage
    .split('/')
    .slice(0, inPackage.startsWith('@') ? 2 : 1)
    .join('/');
}
