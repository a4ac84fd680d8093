import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, type Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as z from 'zod';
import { parseContext, parseFleetContext } from '../../infra/options/parse-context.ts';
import { CONTEXT_KEY } from '../../infra/options/stack-schema.ts';
import { TokenRefreshFleetStack, TokenRefreshStack } from '../../infra/stacks.ts';

// The rules of CDK itself cost more than a second a process; checks.test.ts turns them on, since it is about them.
process.env['CDK_VALIDATION'] = 'false';

const resourceSchema = z.object({
  Type: z.string(),
  Properties: z.record(z.string(), z.unknown()).default({}),
  DeletionPolicy: z.string().optional(),
  UpdateReplacePolicy: z.string().optional(),
  DependsOn: z.array(z.string()).optional(),
});
const templateSchema = z.object({
  Resources: z.record(z.string(), resourceSchema),
  Outputs: z.record(z.string(), z.object({ Description: z.string(), Value: z.unknown() })),
});

export type Resource = z.output<typeof resourceSchema>;
export type SynthesisedTemplate = z.output<typeof templateSchema>;

/** Context under which CDK leaves the handler unbundled. */
export const WITHOUT_BUNDLING = { 'aws:cdk:bundling-stacks': [] };

// Without an output directory, CDK makes one of its own and leaves it there.
const directory = mkdtempSync(join(tmpdir(), 'synthesised-'));
process.once('exit', () => rmSync(directory, { recursive: true, force: true }));

const synthesised = new Map<string, readonly SynthesisedTemplate[]>();

/** The templates of the app under `tokenRefresh`; the same options are synthesised once. */
export function synthesiseAll(tokenRefresh?: unknown): readonly SynthesisedTemplate[] {
  const key = JSON.stringify(tokenRefresh) ?? '';
  const known = synthesised.get(key);
  if (known !== undefined) return known;
  const app = new App({
    outdir: mkdtempSync(join(directory, 'app-')),
    context: { ...WITHOUT_BUNDLING, [CONTEXT_KEY]: tokenRefresh },
  });
  const stacks = parseContext(app.node.tryGetContext(CONTEXT_KEY)).map((stack) => new TokenRefreshStack(app, stack));
  const templates = stacks.map((stack) => templateSchema.parse(Template.fromStack(stack).toJSON()));
  synthesised.set(key, templates);
  return templates;
}

/** The template of the one stack under `tokenRefresh`. */
export function synthesise(tokenRefresh?: unknown): SynthesisedTemplate {
  const [template] = synthesiseAll(tokenRefresh);
  if (template === undefined) throw new Error('no stack was synthesised');
  return template;
}

/** The template of a fleet. */
export function synthesiseFleet(options: object = {}): SynthesisedTemplate {
  const app = new App({ outdir: mkdtempSync(join(directory, 'app-')), context: WITHOUT_BUNDLING });
  const stack = new TokenRefreshFleetStack(app, parseFleetContext({ fleet: { tagKey: 'retently' }, ...options }));
  return templateSchema.parse(Template.fromStack(stack).toJSON());
}

/** The template of a stack of somebody else, which may have no outputs. */
export function templateOf(stack: Stack): SynthesisedTemplate {
  return templateSchema.parse({ Outputs: {}, ...Template.fromStack(stack).toJSON() });
}

export function resourcesOf(template: SynthesisedTemplate, type: string): readonly Resource[] {
  return Object.values(template.Resources).filter((resource) => resource.Type === type);
}

/** The one resource of `type`, or of those the one whose logical id contains `part`. */
export function resourceOf(template: SynthesisedTemplate, type: string, part = ''): Resource {
  const found = Object.entries(template.Resources).filter(([id, { Type }]) => Type === type && id.includes(part));
  const [only] = found;
  if (only === undefined || found.length > 1) throw new Error(`${found.length} resources are ${type} ${part}`);
  return only[1];
}

const ACCOUNT = '123456789012';
export const KEY_ARN = `arn:aws:kms:eu-west-1:${ACCOUNT}:key/11111111-2222-3333-4444-555555555555`;

/** Every option, each with a value of its own. */
export const EVERY_OPTION = {
  stackName: 'Everything',
  env: { account: ACCOUNT, region: 'eu-west-1' },
  tokenSecret: true,
  tokenReaders: ['arn:aws:iam::210987654321:role/reader', `arn:aws:iam::${ACCOUNT}:root`],
  kmsKeyArn: KEY_ARN,
  schedule: { everyMinutes: 15, flexibleWindowMinutes: 5 },
  tokenLifetimeSeconds: 28_800,
  tokenEndpoint: 'https://auth.example.com/token',
  eventBus: { create: 'retently' },
  alarmEmails: ['ops@example.com', 'night@example.com'],
  runbookUrl: 'https://wiki.example.com/runbook',
  memoryMegabytes: 1024,
  timeoutSeconds: 90,
  logRetentionDays: 365,
  reservedConcurrency: 2,
  xray: true,
  vpc: { subnetIds: ['subnet-0123456789abcdef0'], securityGroupIds: ['sg-0123456789abcdef0'] },
  dashboard: false,
  removalPolicies: { secret: 'destroy', queues: 'retain', logs: 'retain' },
  tags: { team: 'feedback' },
  permissionsBoundaryArn: `arn:aws:iam::${ACCOUNT}:policy/boundary`,
};

const { tokenSecret: _, tokenReaders: __, reservedConcurrency: ___, ...common } = EVERY_OPTION;
/** The same of a fleet. */
export const EVERY_FLEET_OPTION = {
  ...common,
  stackName: 'EveryFleet',
  removalPolicies: { queues: 'retain', logs: 'retain' },
  fleet: { tagKey: 'retently', tagValue: 'live', maximumConcurrency: 20 },
};
