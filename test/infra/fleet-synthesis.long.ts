import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { buildApp } from '../../infra/app.ts';
import { parseFleetContext } from '../../infra/options/parse-context.ts';
import { CONTEXT_KEY } from '../../infra/options/schema.ts';
import { TokenRefreshFleetStack } from '../../infra/stacks.ts';
import { EVERY_FLEET_OPTION } from './synthesise.ts';

const directory = mkdtempSync(join(tmpdir(), 'synthesised-fleet-'));

afterAll(() => rmSync(directory, { recursive: true }));

const reportSchema = z.object({
  pluginReports: z.array(
    z.object({
      violations: z.array(z.unknown()),
      suppressedViolations: z.array(z.object({ ruleName: z.string(), acknowledgedAt: z.string() })),
    }),
  ),
});
const codeSchema = z.object({
  Resources: z.record(
    z.string(),
    z.object({
      Type: z.string(),
      Properties: z.object({ Code: z.object({ S3Key: z.string() }).optional() }).optional(),
    }),
  ),
});

describe('a real synthesis of two fleets, one with the defaults and one with every option', () => {
  const read = (name: string): unknown => JSON.parse(readFileSync(join(directory, name), 'utf8'));

  beforeAll(() => {
    const app = buildApp({ outdir: directory, context: { [CONTEXT_KEY]: { fleet: { tagKey: 'retently' } } } });
    new TokenRefreshFleetStack(app, parseFleetContext(EVERY_FLEET_OPTION));
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    process.env['CDK_VALIDATION'] = 'true';
    app.synth();
    process.env['CDK_VALIDATION'] = 'false';
  });

  it('breaks no rule of CDK, and only these of cdk-nag, each acknowledged with a reason', () => {
    const report = reportSchema.parse(read('validation-report.json'));
    expect(report.pluginReports.flatMap(({ violations }) => violations)).toEqual([]);
    const acknowledged = report.pluginReports.flatMap(({ suppressedViolations }) => suppressedViolations);
    const names = acknowledged.map(({ ruleName, acknowledgedAt }) => `${ruleName} at ${acknowledgedAt}`);
    const ofEvery = names.filter((name) => name.includes(' at EveryFleet/')).sort();
    expect(ofEvery).toEqual([
      'AwsSolutions-IAM5[Resource::*] at EveryFleet/Fleet/Refresh/Role',
      'AwsSolutions-IAM5[Resource::*] at EveryFleet/Fleet/Sweep/Role',
      'AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:kms:eu-west-1:123456789012:key/*] at EveryFleet/Fleet/Refresh/Role',
      'AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:kms:eu-west-1:123456789012:key/*] at EveryFleet/Fleet/Sweep/Role',
      'AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:secretsmanager:eu-west-1:123456789012:secret:*] at EveryFleet/Fleet/Refresh/Role',
      'AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:secretsmanager:eu-west-1:123456789012:secret:*] at EveryFleet/Fleet/Sweep/Role',
      'AwsSolutions-SQS3 at EveryFleet/Fleet/AlarmTopic/UndeliveredEmails',
      'AwsSolutions-SQS3 at EveryFleet/Fleet/DeadLetters/FailedRuns',
      'AwsSolutions-SQS3 at EveryFleet/Fleet/DeadLetters/UndeliveredTicks',
    ]);
    // The same, except for the options of the refresh.
    expect(names).toHaveLength(2 * ofEvery.length - 1);
  });

  it('deploys another handler in each of its two functions', () => {
    const { Resources } = codeSchema.parse(read('RetentlyTokenRefreshFleet.template.json'));
    const codeOf = (part: string) => {
      const [, found] =
        Object.entries(Resources).find(([id, { Type }]) => Type === 'AWS::Lambda::Function' && id.includes(part)) ?? [];
      const folder = `asset.${found?.Properties?.Code?.S3Key.replace('.zip', '')}`;
      const names = readdirSync(join(directory, folder));
      return names.map((name) => readFileSync(join(directory, folder, name), 'utf8')).join('\n');
    };
    const [sweep, refresh] = [codeOf('Sweep'), codeOf('Refresh')];
    expect(sweep).toContain('BatchGetSecretValue');
    expect(sweep).not.toContain('batchItemFailures');
    expect(refresh).toContain('batchItemFailures');
    expect(refresh).not.toContain('SendMessageBatch');
  });
});
