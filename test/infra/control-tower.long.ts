import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { readDocument } from '../support/markdown.ts';
import { EVERY_OPTION, KEY_ARN, type SynthesisedTemplate, synthesise, synthesiseFleet } from './synthesise.ts';

// AWS Control Tower's proactive controls, as its own package has them, judged by AWS's cfn-guard.
const PACKAGE = dirname(createRequire(import.meta.url).resolve('@cdklabs/cdk-validator-cfnguard/package.json'));
const PLATFORMS: Readonly<Record<string, string>> = { linux: 'ubuntu', darwin: 'macos' };
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };
const platform = PLATFORMS[process.platform];
const GUARD = join(PACKAGE, 'bin', platform ?? '', ARCHITECTURES[process.arch] ?? '', 'cfn-guard');

const { vpc, securityGroups } = EVERY_OPTION;
const HARDENED = {
  encryptionKey: KEY_ARN,
  alarmsAndLogsKey: KEY_ARN.replace('1111', '9999'),
  logRetention: 365,
  vpc,
  securityGroups,
};
const reportSchema = z.array(z.object({ not_compliant: z.array(z.unknown()), compliant: z.array(z.string()) }));

const directory = mkdtempSync(join(tmpdir(), 'control-tower-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** The controls that a template fails, and how many rules it passes. */
function judge(name: string, template: SynthesisedTemplate): { readonly failed: readonly string[]; passed: number } {
  const path = join(directory, `${name.replaceAll(' ', '-')}.template.json`);
  writeFileSync(path, JSON.stringify(template));
  const rules = join(PACKAGE, 'rules/control-tower/cfn-guard');
  const options = ['--output-format', 'json', '--show-summary', 'none', '--structured'];
  const { stdout } = spawnSync(GUARD, ['validate', '--data', path, '--rules', rules, ...options], {
    encoding: 'utf8',
    maxBuffer: 16 * 1024 * 1024,
  });
  const reports = reportSchema.parse(JSON.parse(stdout));
  const failed = reports.flatMap(({ not_compliant }) => JSON.stringify(not_compliant).match(/CT\.\w+\.PR\.\d+/g) ?? []);
  return { failed: [...new Set(failed)].sort(), passed: reports.flatMap(({ compliant }) => compliant).length };
}

/** The controls that docs/compliance.md says are red by default. */
function documentedRed(): readonly string[] {
  const [, controls = ''] = /^## Controls$(.*?)^## /ms.exec(readDocument('docs/compliance.md')) ?? [];
  return (controls.match(/CT\.\w+\.PR\.\d+/g) ?? []).sort();
}

describe.skipIf(platform === undefined)("Control Tower's proactive controls", () => {
  it.each([
    ['the stack', synthesise()],
    ['a fleet', synthesiseFleet()],
  ])('fail for %s by default only where docs/compliance.md gives the reason', (name, template) => {
    const { failed, passed } = judge(name, template);
    expect(failed).toEqual(documentedRed());
    expect(passed).toBeGreaterThanOrEqual(6);
  });

  it('are no more than these, and the list may only shrink', () => {
    expect(['CT.CLOUDWATCH.PR.2', 'CT.CLOUDWATCH.PR.3', 'CT.LAMBDA.PR.3']).toEqual(
      expect.arrayContaining([...documentedRed()]),
    );
  });

  it.each([
    ['the hardened stack', synthesise(HARDENED)],
    ['a hardened fleet', synthesiseFleet(HARDENED)],
  ])('all pass for %s: two keys, a year of logs, and a VPC', (name, template) => {
    const { failed, passed } = judge(name, template);
    expect(failed).toEqual([]);
    expect(passed).toBeGreaterThanOrEqual(9);
  });
});
