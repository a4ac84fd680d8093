import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BIOME = join(ROOT, 'node_modules/@biomejs/biome/bin/biome');

const REFUSED = [
  ['lambda/core', "import '../adapters/token-endpoint.ts';", 'handler → runtime → adapters → core'],
  ['lambda/core', "import '../runtime/configuration.ts';", 'handler → runtime → adapters → core'],
  ['lambda/core', "import '@aws-sdk/client-secrets-manager';", 'core/ decides'],
  ['lambda/core', "import 'node:https';", 'core/ decides'],
  ['lambda/core', "import '../fleet/fleet-event.ts';", 'handler → runtime → adapters → core'],
  ['lambda/adapters', "import '../handler.ts';", 'handler → runtime → adapters → core'],
  ['lambda/adapters', "import '../runtime/log-run.ts';", 'handler → runtime → adapters → core'],
  ['lambda/runtime', "import '../handler.ts';", 'handler → runtime → adapters → core'],
  ['lambda/runtime', "import '../fleet/fleet-event.ts';", 'handler → runtime → adapters → core'],
  ['lambda/runtime', "import '../../infra/app.ts';", 'lambda/ is exactly what ships'],
  ['lambda', "import '../infra/options/schema.ts';", 'lambda/ is exactly what ships'],
  ['lambda', "import '../test/sandbox/aws/secret.ts';", 'lambda/ is exactly what ships'],
  ['infra', "import '../lambda/runtime/configuration.ts';", 'infra/ shares lambda/contract.ts'],
  ['infra', "import '../test/sandbox/aws/secret.ts';", 'Nothing imports test/'],
  ['lambda', "import '../cli/terminal.ts';", 'lambda/ is exactly what ships'],
  ['infra', "import '../cli/terminal.ts';", 'Nothing imports test/ or cli/'],
  ['cli', "import '../lambda/adapters/secrets-manager-credential-store.ts';", 'cli/ takes the contract, core/'],
  ['cli/status', "import '../../lambda/handler.ts';", 'cli/ takes the contract, core/'],
  ['cli', "import '../infra/app.ts';", 'cli/ takes options/'],
  ['cli', "import '../test/sandbox/aws/secret.ts';", 'Nothing imports test/'],
  ['cli', 'export const x = process.env.X;', 'process.env'],
  ['lambda/core', 'export const x = process.env.X;', 'process.env'],
  ['lambda/runtime', 'export const x = process.env.X;', 'process.env'],
  ['lambda/core', 'export const x: any = 1;', 'Unexpected any'],
  ['lambda/core', 'async function f() {}\nexport function g() {\n  f();\n}', '"floating" Promise'],
] as const;

const ACCEPTED = [
  ['lambda/core', "import { hash } from 'node:crypto';\nexport const x = hash;"],
  ['lambda/adapters', "import { Fault } from '../core/fault.ts';\nexport const x = Fault;"],
  ['lambda/runtime', "import { countCalls } from '../adapters/count-calls.ts';\nexport const x = countCalls;"],
  ['infra', "import { isTokenEndpoint } from '../lambda/contract.ts';\nexport const x = isTokenEndpoint;"],
  ['cli/status', "import { tokenHashOf } from '../../lambda/core/credentials.ts';\nexport const x = tokenHashOf;"],
  ['cli', "import { postForm } from '../lambda/adapters/token-endpoint.ts';\nexport const x = postForm;"],
  ['cli', "import { DEFAULTS } from '../lambda/contract.ts';\nexport const x = DEFAULTS;"],
  ['cli', "import { optionsSchema } from '../infra/options/schema.ts';\nexport const x = optionsSchema;"],
] as const;

const directory = mkdtempSync(join(tmpdir(), 'lint-rules-'));
let complaints: readonly string[] = [];

/** The linter with this project's rules, over one file for each case. */
beforeAll(() => {
  cpSync(join(ROOT, 'biome.json'), join(directory, 'biome.json'));
  [...REFUSED, ...ACCEPTED].forEach(([folder, source], index) => {
    const path = join(directory, pathOf(folder, index));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${source}\n`);
  });
  const options = ['lint', '--vcs-enabled=false', '--max-diagnostics=none', '--reporter=github', '.'];
  const { stdout } = spawnSync(process.execPath, [BIOME, ...options], { cwd: directory, encoding: 'utf8' });
  complaints = stdout.split('\n');
});

afterAll(() => rmSync(directory, { recursive: true }));

function pathOf(folder: string, index: number): string {
  return `${folder}/case-${index}.ts`;
}

function complaintsOf(folder: string, index: number): string {
  return complaints.filter((line) => line.includes(`/${pathOf(folder, index)},`)).join('\n');
}

test.each(REFUSED.map(([...refused], index) => [...refused, index] as const))(
  '%s must not say %s',
  (folder, _source, complaint, index) => {
    expect(complaintsOf(folder, index)).toContain(complaint);
  },
);

test.each(ACCEPTED.map(([...accepted], index) => [...accepted, REFUSED.length + index] as const))(
  '%s may say %s',
  (folder, _source, index) => {
    expect(complaintsOf(folder, index)).not.toContain('noRestrictedImports');
  },
);
