import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { homedir, tmpdir, userInfo } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type App, type AppProps, Stack, Validations } from 'aws-cdk-lib';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { AwsSolutionsChecks } from 'cdk-nag';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { buildApp } from '../../infra/app.ts';
import { CONTEXT_KEY } from '../../infra/options/schema.ts';
import { EVERY_OPTION, WITHOUT_BUNDLING } from './synthesise.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'synthesised-'));

afterAll(() => rmSync(directory, { recursive: true }));

const reportSchema = z.object({
  pluginReports: z.array(
    z.object({
      violations: z.array(z.unknown()),
      suppressedViolations: z.array(z.object({ ruleName: z.string(), acknowledgedAt: z.string() })),
    }),
  ),
});

/** The app, and the rules of cdk-nag as errors. */
function buildCheckedApp(props: AppProps): App {
  const app = buildApp(props);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  return app;
}

/** The files of one synthesis of two stacks, one with the defaults and one with every option, bundles included. */
function synthesiseInto(outdir: string): ReadonlyMap<string, string> {
  const accounts = [{ name: 'defaults' }, { name: 'everything', ...EVERY_OPTION }];
  buildCheckedApp({ outdir, context: { [CONTEXT_KEY]: { accounts } } }).synth();
  const files = readdirSync(outdir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath, entry.name)).sort();
  return new Map(paths.map((path) => [relative(outdir, path), readFileSync(path, 'utf8')]));
}

describe('a real synthesis', () => {
  const outdir = join(directory, 'first');
  let files: ReadonlyMap<string, string> = new Map();
  let again: ReadonlyMap<string, string> = new Map();
  const bundle = () => [...files].find(([path]) => path.endsWith('index.mjs'))?.[1] ?? '';

  beforeAll(() => {
    files = synthesiseInto(outdir);
    process.env['CDK_VALIDATION'] = 'true';
    again = synthesiseInto(join(directory, 'second'));
    process.env['CDK_VALIDATION'] = 'false';
  });

  it('breaks no rule of CDK, and only these of cdk-nag, each acknowledged with a reason', () => {
    const report = reportSchema.parse(JSON.parse(again.get('validation-report.json') ?? ''));
    expect(report.pluginReports.flatMap(({ violations }) => violations)).toEqual([]);
    const acknowledged = report.pluginReports.flatMap(({ suppressedViolations }) => suppressedViolations);
    expect(acknowledged.map(({ ruleName, acknowledgedAt }) => `${ruleName} at ${acknowledgedAt}`).sort()).toEqual([
      'AwsSolutions-IAM5[Resource::*] at Everything/TokenRefresh/Function/Role',
      'AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:kms:<AWS::Region>:<AWS::AccountId>:key/*] at RetentlyTokenRefresh-defaults/TokenRefresh/Function/Role',
      'AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:kms:eu-west-1:123456789012:key/*] at Everything/TokenRefresh/Function/Role',
      'AwsSolutions-SMG4 at Everything/TokenRefresh/Credentials/Secret',
      'AwsSolutions-SMG4 at Everything/TokenRefresh/Token/Secret',
      'AwsSolutions-SMG4 at RetentlyTokenRefresh-defaults/TokenRefresh/Credentials/Secret',
      'AwsSolutions-SMG4 at RetentlyTokenRefresh-defaults/TokenRefresh/Token/Secret',
      'AwsSolutions-SQS3 at Everything/TokenRefresh/AlarmTopic/UndeliveredEmails',
      'AwsSolutions-SQS3 at Everything/TokenRefresh/DeadLetters/FailedRuns',
      'AwsSolutions-SQS3 at Everything/TokenRefresh/DeadLetters/UndeliveredTicks',
      'AwsSolutions-SQS3 at RetentlyTokenRefresh-defaults/TokenRefresh/DeadLetters/FailedRuns',
      'AwsSolutions-SQS3 at RetentlyTokenRefresh-defaults/TokenRefresh/DeadLetters/UndeliveredTicks',
    ]);
  });

  it('would have thrown for a resource that breaks one', () => {
    const app = buildCheckedApp({ outdir: join(directory, 'broken'), context: WITHOUT_BUNDLING });
    new Queue(new Stack(app, 'Broken'), 'Queue');
    expect(() => app.synth()).toThrow('The SQS queue does not require requests to use SSL. (AwsSolutions)');
  });

  it('gives the same bytes twice', () => {
    expect(again).toEqual(files);
  });

  it('contains no path of this machine, no time and no user', () => {
    const strangers = [REPOSITORY, homedir(), directory, `/${userInfo().username}/`];
    for (const [path, text] of files) {
      for (const stranger of strangers) expect(text.includes(stranger), `${stranger} in ${path}`).toBe(false);
      expect(text).not.toContain(new Date().toISOString().slice(0, 10));
    }
  });

  it('bundles the handler into a module that a bare Node.js can import', () => {
    const [path = ''] = [...files.keys()].filter((name) => name.endsWith('index.mjs'));
    const script = `console.log(typeof (await import(${JSON.stringify(join(outdir, path))})).handler)`;
    const output = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
      cwd: directory,
      encoding: 'utf8',
      env: {
        AWS_REGION: 'eu-west-1',
        AWS_ACCESS_KEY_ID: 'test',
        AWS_SECRET_ACCESS_KEY: 'test',
        AWS_LAMBDA_FUNCTION_NAME: 'test',
        AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
        CREDENTIALS_SECRET_ID: 'test',
      },
    });
    expect(output).toBe('function\n');
  });

  it('omits code that Lambda never uses, so that the bundle stays small', () => {
    expect(Buffer.byteLength(bundle())).toBeLessThan(400_000);
    expect(bundle()).not.toContain('sso-oidc');
    expect(bundle()).not.toContain('sourceMappingURL');
  });
});
