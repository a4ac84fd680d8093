import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, type Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as z from 'zod';
import { fleetSchema } from '../../infra/options/fleet-schema.ts';
import { parseContext, parseFleetContext } from '../../infra/options/parse-context.ts';
import { CONTEXT_KEY, topSchema } from '../../infra/options/schema.ts';
import { TokenRefreshFleetStack, TokenRefreshStack } from '../../infra/stacks.ts';

// The rules of CDK itself cost more than a second a process; cdk-nag.long.ts turns them on, since it is about them.
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

// Without an output directory, CDK creates one and never deletes it.
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

/** The template of the only stack under `tokenRefresh`. */
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

/** Returns the template of a user's stack, which may have no outputs. */
export function templateOf(stack: Stack): SynthesisedTemplate {
  return templateSchema.parse({ Outputs: {}, ...Template.fromStack(stack).toJSON() });
}

export function resourcesOf(template: SynthesisedTemplate, type: string): readonly Resource[] {
  return Object.values(template.Resources).filter((resource) => resource.Type === type);
}

/** The only resource of `type`, or the only one of them whose logical id contains `part`. */
export function resourceOf(template: SynthesisedTemplate, type: string, part = ''): Resource {
  const found = Object.entries(template.Resources).filter(([id, { Type }]) => Type === type && id.includes(part));
  const [only] = found;
  if (only === undefined || found.length > 1) throw new Error(`${found.length} resources are ${type} ${part}`);
  return only[1];
}

const ACCOUNT = '123456789012';
export const KEY_ARN = `arn:aws:kms:eu-west-1:${ACCOUNT}:key/11111111-2222-3333-4444-555555555555`;
export const OTHER_KEY_ARN = `arn:aws:kms:eu-west-1:${ACCOUNT}:key/66666666-7777-8888-9999-000000000000`;

/** Returns the example of each option that has one. */
function examplesOf(shape: Readonly<Record<string, z.ZodType>>): Readonly<Record<string, unknown>> {
  const examples = Object.entries(shape).flatMap(([name, member]) => {
    const example = member.meta()?.example;
    return example === undefined ? [] : [[name, example]];
  });
  return Object.fromEntries(examples);
}

/** Every option, except those that exclude other options. */
const { secret: _, alarmTopic: __, publishEvents: ___, ...everyOption } = examplesOf(topSchema.shape);
export const EVERY_OPTION = everyOption;

const oneSecret = ['secret', 'tokenSecret', 'tokenReaders', 'reservedConcurrentExecutions'];
/** Every option of a fleet. */
export const EVERY_FLEET_OPTION: Readonly<Record<string, unknown>> = {
  ...Object.fromEntries(Object.entries(everyOption).filter(([name]) => !oneSecret.includes(name))),
  stackName: 'EveryFleet',
  removalPolicies: fleetSchema.shape.removalPolicies.meta()?.example,
  fleet: examplesOf(fleetSchema.shape.fleet.shape),
};
