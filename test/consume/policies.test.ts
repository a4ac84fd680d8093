import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { optionsSchema } from '../../infra/options/schema.ts';
import { dueAfterSeconds } from '../../lambda/contract.ts';
import { evaluatePolicy } from '../infra/evaluate-policy.ts';
import { ARNS, blockOf, DESCRIBE, GET, PAGE, policyOf, statementOf } from './examples.ts';

const MODULES = fileURLToPath(new URL('../../node_modules/', import.meta.url));

it('the example for TypeScript compiles under tsc --strict', () => {
  mkdirSync(join(MODULES, '.cache'), { recursive: true });
  const directory = mkdtempSync(join(MODULES, '.cache', 'compile-'));
  const options = '--ignoreConfig --noEmit --strict --skipLibCheck --target es2023 --module nodenext --types node';
  try {
    writeFileSync(join(directory, 'package.json'), '{"type":"module"}');
    writeFileSync(join(directory, 'example.ts'), blockOf('ts'));
    const command = [join(MODULES, 'typescript', 'bin', 'tsc'), ...options.split(' '), 'example.ts'];
    const { stdout, status } = spawnSync(process.execPath, command, { cwd: directory, encoding: 'utf8' });
    expect({ stdout, status }).toEqual({ stdout: '', status: 0 });
  } finally {
    rmSync(directory, { recursive: true });
  }
});

describe('the policies', () => {
  const token = ARNS['<TokenSecretArn>'];
  const byId = { 'secretsmanager:versionid': '0'.repeat(64) };
  const current = { 'secretsmanager:versionstage': 'AWSCURRENT' };
  const isAllowed = (policy: string, action: string, resource: string, keys = {}) =>
    evaluatePolicy(policyOf(policy), { action, resource, keys }) !== undefined;

  it.each([
    [
      "AWS's caching libraries",
      'caching',
      [
        [DESCRIBE, {}],
        [GET, byId],
      ],
    ],
    ['the External Secrets Operator', 'read', [[GET, current]]],
    ['the External Secrets Operator, if there is only one secret,', 'interim', [[GET, current]]],
  ] as const)('allow the calls that %s are documented to make', (_, policy, calls) => {
    const [its, other] = policy === 'interim' ? [ARNS['<SecretArn>'], token] : [token, ARNS['<SecretArn>']];
    for (const [action, keys] of calls) {
      expect(isAllowed(policy, action, its, keys)).toBe(true);
      expect(isAllowed(policy, action, other, keys)).toBe(false);
    }
  });

  it('for only one secret allow a read of AWSCURRENT by name, and deny older values, the journal and caching libraries', () => {
    const secret = ARNS['<SecretArn>'];
    expect(isAllowed('interim', GET, secret, current)).toBe(true);
    for (const keys of [
      {},
      byId,
      { 'secretsmanager:versionstage': 'TOKEN_REFRESH' },
      { 'secretsmanager:versionstage': 'AWSPREVIOUS' },
    ]) {
      expect(isAllowed('interim', GET, secret, keys)).toBe(false);
    }
    expect(isAllowed('interim', DESCRIBE, secret)).toBe(false);
  });

  it('of the key allow decryption only through Secrets Manager', () => {
    const [permission] = statementOf('key');
    expect(permission).toMatchObject({ action: 'kms:Decrypt', resource: '<KmsKeyArn>' });
    expect([...(permission?.stringEquals ?? [])]).toEqual([
      ['kms:viaservice', ['secretsmanager.<region>.amazonaws.com']],
    ]);
  });
});

describe('the page states the remaining lifetime of a token that was just read', () => {
  const { interval, flexibleWindow, timeout } = optionsSchema.parse({});
  const CACHE_SECONDS = 300;

  it.each([
    ['six hours', 21_600, '**at least 2 hours and 42 minutes**'],
    ['one hour', 3_600, '**at least 6 minutes**'],
  ])('of %s', (_, life, sentence) => {
    const tickSeconds = interval.toSeconds() + flexibleWindow.toSeconds();
    const leastSeconds = life - dueAfterSeconds(life) - tickSeconds - timeout.toSeconds() - CACHE_SECONDS;
    const [hours, minutes] = [Math.floor(leastSeconds / 3_600), Math.floor((leastSeconds % 3_600) / 60)];
    expect(sentence).toBe(`**at least ${hours === 0 ? '' : `${hours} hours and `}${minutes} minutes**`);
    expect(PAGE.replaceAll('\n', ' ')).toContain(sentence);
  });
});

describe('an example that is not run is marked', () => {
  it.each(['python caching', 'yaml', 'json airbyte'])('%s', (language) => {
    const before = PAGE.slice(0, PAGE.indexOf(`\`\`\`${language}\n`));
    expect(before.slice(before.lastIndexOf('\n\n', before.length - 3))).toMatch(/\*Not run/);
  });

  it('Kubernetes reads only that member, every five minutes, through the store in the same example', () => {
    const [store = '', externalSecret = '', ...others] = blockOf('yaml').split('---\n');
    expect(others).toEqual([]);
    expect(externalSecret).toMatch(/refreshInterval: 5m[\s\S]*property: access_token/);
    const [, name] = /kind: SecretStore\nmetadata:\n {2}name: (\S+)/.exec(store) ?? [];
    expect(externalSecret).toContain(`secretStoreRef:\n    name: ${name}\n    kind: SecretStore\n`);
  });
});
