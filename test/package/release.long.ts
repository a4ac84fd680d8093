import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { ROOT, readPacked } from './install.ts';

const RELEASE = join(ROOT, 'release');
const templateSchema = z.object({
  Parameters: z.record(z.string(), z.unknown()),
  Resources: z.record(z.string(), z.object({ Type: z.string(), Properties: z.unknown() })),
});
const functionSchema = z.object({
  Code: z.object({
    S3Bucket: z.object({ Ref: z.literal('CodeBucket') }),
    S3Key: z.object({ 'Fn::Join': z.tuple([z.literal(''), z.tuple([z.object({ Ref: z.string() }), z.string()])]) }),
  }),
});

beforeAll(() => {
  execFileSync(process.execPath, ['--import', 'tsx', 'infra/bundle/write-release.ts'], { cwd: ROOT, stdio: 'ignore' });
});
afterAll(() => rmSync(RELEASE, { recursive: true }));

describe('a release', () => {
  it.each([
    ['retently-token-refresh', ['handler.zip']],
    ['retently-token-refresh-fleet', ['refresh-message.zip', 'sweep.zip']],
  ])('has the template %s, which needs no account that is bootstrapped for CDK', (name, zips) => {
    const text = readFileSync(join(RELEASE, `${name}.template.json`), 'utf8');
    expect(text).not.toMatch(/cdk-|BootstrapVersion/);
    const { Parameters, Resources } = templateSchema.parse(JSON.parse(text));
    expect(Object.keys(Parameters)).toEqual(['CodeBucket', 'CodePrefix']);
    const functions = Object.values(Resources).filter(({ Type }) => Type === 'AWS::Lambda::Function');
    const keys = functions.map(({ Properties }) => functionSchema.parse(Properties).Code.S3Key['Fn::Join'][1][1]);
    expect(keys.sort()).toEqual(zips);
    for (const zip of zips) expect(existsSync(join(RELEASE, zip.replace('.zip', ''), 'index.mjs'))).toBe(true);
  });

  it('has a package in which every link leads to a file of the package', () => {
    const files = new Set(readPacked().files.map(({ path }) => path));
    const broken = [...files]
      .filter((path) => path.endsWith('.md'))
      .flatMap((path) => {
        const text = readFileSync(join(ROOT, path), 'utf8').replaceAll(/^( *)```.*?^\1```/gms, '');
        const targets = [...text.matchAll(/\]\(([^)\s#]+)[^)\s]*\)/g)].map(([, target = '']) => target);
        const relative = targets.filter((target) => !/^[a-z]+:/.test(target));
        const paths = relative.map((target) => join(path, '..', target).replace(/\/$/, ''));
        return paths.filter((each) => ![...files].some((file) => file === each || file.startsWith(`${each}/`)));
      });
    expect(broken).toEqual([]);
  });
});
