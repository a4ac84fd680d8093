import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { TROUBLES } from '../fleet/fleet-server.ts';
import { ROOT } from './documents.ts';

const FOLDER = join(ROOT, '.github/workflows');
const WORKFLOWS = readdirSync(FOLDER).map((name) => [name, readFileSync(join(FOLDER, name), 'utf8')] as const);
const RELEASE = new Map(WORKFLOWS).get('release.yml') ?? '';
const GATE = '.ci/require-address.cjs';

const directory = mkdtempSync(join(tmpdir(), 'address-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** Runs the gate before a publication on a package.json. @returns its exit code */
function gate(manifest: object): number | null {
  writeFileSync(join(directory, 'package.json'), JSON.stringify(manifest));
  return spawnSync(process.execPath, [join(ROOT, GATE)], { cwd: directory }).status;
}

describe.each(WORKFLOWS)('the workflow %s', (_, text) => {
  test('pins every action by commit, and names its version', () => {
    const uses = text.match(/^ *(- )?uses: .*$/gm) ?? [];
    expect(uses.filter((line) => !/uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))).toEqual([]);
    expect(uses.length).toBeGreaterThan(0);
  });

  test('gives the token of a job only the permissions that the job names', () => {
    expect(text).toMatch(/^permissions: \{\}$/m);
    expect(text).not.toMatch(/write-all|secrets\./);
  });
});

describe('a release', () => {
  test('is rejected until package.json has the repository', () => {
    expect(gate({})).toBe(1);
    expect(gate({ repository: 'https://example.com/project' })).toBe(1);
    expect(gate({ repository: 'https://example.com/project', bugs: 'https://example.com/project/issues' })).toBe(0);
  });

  test('passes that gate before anything is packed, and publishes only the packed file', () => {
    const [beforePacking = '', afterPacking = ''] = RELEASE.split('npm pack');
    expect(beforePacking).toContain(`node ${GATE}`);
    expect(beforePacking).not.toContain('npm publish');
    expect(afterPacking).toMatch(/npm:\n {4}needs: pack\n {4}if: vars\.NPM_TRUSTED_PUBLISHING == 'true'/);
    expect(RELEASE.match(/npm publish/g)).toHaveLength(1);
  });

  test('attests where its files were built', () => {
    expect(RELEASE).toContain('actions/attest-build-provenance@');
    expect(RELEASE).toContain('subject-path: release/*');
  });
});

describe('each night', () => {
  const scenarios = [...(new Map(WORKFLOWS).get('nightly.yml') ?? '').matchAll(/^ {10}- (--.*)$/gm)].map(
    ([, scenario = '']) => scenario.replaceAll("'", ''),
  );

  test.each(TROUBLES)('1, 5, 20, 50 and 90 %% of the accounts have this trouble: %s', (trouble) => {
    expect(scenarios).toContain(`--trouble ${trouble} --percent 1 5 20 50 90`);
  });

  test.each([1, 24])('a fleet has no runs for %i hours', (hours) => {
    const standing = `--outage mapping throttled concurrency --outage-from-day 0.05 --outage-hours ${hours}`;
    expect(scenarios).toContain(standing);
  });

  test('a million histories of one secret are played, from a seed of that day', () => {
    expect(new Map(WORKFLOWS).get('nightly.yml')).toMatch(/simulate -- --histories 1000000 --seed "\$\(\(\$\(date /);
  });

  test('the provider is unavailable for a day', () => {
    expect(scenarios).toContain('--outage provider answers --outage-from-day 0.05');
  });
});
