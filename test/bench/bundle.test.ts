import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundleHandler, runEsbuild } from '../../infra/bundle/bundle-handler.ts';
import { type BenchWorld, startBenchWorld } from './bench-world.ts';
import { type BundledFile, bundleWithContent, parseMetafile } from './bundle-content.ts';
import { findIntruders, findUnwantedModules, MAX_BUNDLE_BYTES } from './bundle-rules.ts';
import { coldStart } from './cold-start.ts';

let world: BenchWorld;
let directory: string;
let bundle: string;
let files: BundledFile[];

beforeAll(async () => {
  world = await startBenchWorld();
  directory = mkdtempSync(join(tmpdir(), 'bundle-'));
  bundle = makeDirectory('bundle');
  files = bundleWithContent(bundle);
});

afterAll(async () => {
  await world[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

function makeDirectory(name: string): string {
  const path = join(directory, name);
  mkdirSync(path);
  return path;
}

/** One tick that finds a fresh token, in its own process, over HTTPS. */
function freshTick(bundlePath: string) {
  world.begin('fresh');
  return coldStart({ bundlePath, environment: world.environment, events: [{}] });
}

describe('the bundle', () => {
  test('contains only code that runs, within its size limit', () => {
    expect(findIntruders(files)).toEqual([]);
  });

  test('is the same in any directory, so that an unchanged function is not deployed again', () => {
    const other = makeDirectory('another');
    bundleHandler(other);
    expect(readdirSync(other)).toEqual(readdirSync(bundle));
    for (const name of readdirSync(other)) {
      expect(readFileSync(join(other, name), 'utf8') === readFileSync(join(bundle, name), 'utf8'), name).toBe(true);
    }
  });
});

describe('a fresh tick', () => {
  test('loads no HTTP, no HTTP/2 and no undici', async () => {
    const { phases, modules } = await freshTick(join(bundle, 'index.mjs'));
    expect(phases.at(-1)?.result).toMatchObject({ outcome: 'fresh' });
    expect(modules).toContain('NativeModule https');
    expect(findUnwantedModules(modules)).toEqual([]);
  });

  test("works without the files that a start does not read: EventBridge's client", async () => {
    const start = makeDirectory('start');
    const startFiles = files.filter(({ isOfStart }) => isOfStart);
    expect(startFiles.length).toBeLessThan(files.length);
    for (const { name } of startFiles) copyFileSync(join(bundle, name), join(start, name));
    const { phases } = await freshTick(join(start, 'index.mjs'));
    expect(phases.at(-1)?.result).toMatchObject({ outcome: 'fresh' });

    // With them it publishes; without them the token is saved and the announcement is not.
    world.begin('due');
    const events = [{}];
    const refreshed = { outcome: 'refreshed' };
    const options = { environment: world.environment, events };
    const whole = await coldStart({ ...options, bundlePath: join(bundle, 'index.mjs') });
    expect([whole.phases.at(-1)?.result, world.aws.eventBridge.events.length]).toMatchObject([refreshed, 1]);
    world.begin('due');
    const silent = await coldStart({ ...options, bundlePath: join(start, 'index.mjs') });
    expect([silent.phases.at(-1)?.result, world.aws.eventBridge.events.length]).toMatchObject([refreshed, 0]);
  });
});

describe('the guard notices', () => {
  test('an import of node:http, by the modules that it loads', async () => {
    const path = join(makeDirectory('plain-http'), 'index.mjs');
    writeFileSync(path, `import 'node:http'; export { handler } from '../bundle/index.mjs';`);
    const { modules } = await freshTick(path);
    expect(findUnwantedModules(modules)).toContain('NativeModule http');
  });

  test('a package in the start that belongs elsewhere', () => {
    const start = files.map((file) => ({ ...file, isOfStart: true }));
    expect(findIntruders(start)).toContainEqual(
      expect.stringMatching(/^@aws-sdk\/client-eventbridge is in put-events-\w+\.mjs, which every start evaluates$/),
    );
  });

  test('an unreviewed module, and an import that is missing from the bundle', () => {
    const output = makeDirectory('intruder');
    const [entry, metafile] = [join(output, 'entry.js'), join(output, 'meta.json')];
    mkdirSync(join(output, 'node_modules'));
    writeFileSync(join(output, 'node_modules', 'left-pad.js'), 'export const pad = 1;');
    writeFileSync(entry, "export { pad } from 'left-pad'; export const later = () => import('absent');");
    const options = ['--bundle', '--format=esm', '--external:absent', '--log-level=warning'];
    runEsbuild([entry, ...options, `--metafile=${metafile}`, `--outfile=${output}/index.mjs`]);
    const found = findIntruders(parseMetafile(readFileSync(metafile, 'utf8'), 'index.mjs'));
    expect(found).toContain('left-pad.js is in index.mjs, which every start evaluates');
    expect(found).toContain('index.mjs imports absent, which is in no file of the bundle');
  });

  test('one byte too many', () => {
    const [first, ...others] = files;
    const rest = others.reduce((sum, { bytes }) => sum + bytes, 0);
    const grown = (bytes: number) => findIntruders(first ? [{ ...first, bytes }, ...others] : []);
    expect(grown(MAX_BUNDLE_BYTES - rest)).toEqual([]);
    expect(grown(MAX_BUNDLE_BYTES - rest + 1)).toEqual([
      `the bundle has ${MAX_BUNDLE_BYTES + 1} bytes, and ${MAX_BUNDLE_BYTES} are its budget`,
    ]);
  });
});
