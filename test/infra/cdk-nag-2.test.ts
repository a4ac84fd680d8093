import { type App, Aspects, Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { AwsSolutionsChecks } from 'cdk-nag-2';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { buildApp } from '../../infra/app.ts';
import { CONTEXT_KEY } from '../../infra/options/schema.ts';
import { EVERY_FLEET_OPTION, EVERY_OPTION, WITHOUT_BUNDLING } from './synthesise.ts';

const suppressionSchema = z.object({
  id: z.string(),
  reason: z.string().min(40),
  applies_to: z.array(z.string()).optional(),
});
const metadataSchema = z.object({ cdk_nag: z.object({ rules_to_suppress: z.array(suppressionSchema) }).optional() });
const resourcesSchema = z.record(z.string(), z.object({ Metadata: metadataSchema.optional() }));
const acknowledgmentSchema = z.record(z.string(), z.string());

function stacksOf(tokenRefresh: unknown): readonly Stack[] {
  const app: App = buildApp({ context: { ...WITHOUT_BUNDLING, [CONTEXT_KEY]: tokenRefresh } });
  return app.node.children.filter((child) => Stack.isStack(child));
}

const [defaults, everything] = stacksOf({ accounts: [{ name: 'defaults' }, { name: 'everything', ...EVERY_OPTION }] });
const [fleet] = stacksOf({ fleet: { tagKey: 'retently' } });
const [everyFleet] = stacksOf(EVERY_FLEET_OPTION);
const STACKS = Object.entries({ defaults, everything, fleet, everyFleet });

describe('version 2 of cdk-nag', () => {
  it.each(STACKS)('finds nothing in the stack %s', (_, stack) => {
    if (stack === undefined) throw new Error('there is no such stack');
    Aspects.of(stack).add(new AwsSolutionsChecks());
    const findings = [
      ...Annotations.fromStack(stack).findError('*', Match.stringLikeRegexp('AwsSolutions-.*')),
      ...Annotations.fromStack(stack).findWarning('*', Match.stringLikeRegexp('AwsSolutions-.*')),
    ];
    expect(findings.map(({ id, entry }) => `${id}: ${String(entry.data)}`)).toEqual([]);
  });

  it.each(STACKS)('reads the acknowledgments that version 3 reads, in the stack %s', (_, stack) => {
    if (stack === undefined) throw new Error('there is no such stack');
    const written = stack.node.findAll().flatMap(({ node }) => node.metadata);
    const ofVersion3 = written
      .filter(({ type }) => type === 'aws:cdk:acknowledged-rules')
      .flatMap(({ data }) => Object.keys(acknowledgmentSchema.parse(data)))
      .map((rule) => rule.replace('AwsSolutions::', ''));
    const resources = resourcesSchema.parse(Template.fromStack(stack).toJSON()['Resources']);
    const suppressions = Object.values(resources).flatMap(({ Metadata }) => Metadata?.cdk_nag?.rules_to_suppress ?? []);
    const ofVersion2 = suppressions.map(({ id, applies_to }) => (applies_to ? `${id}[${applies_to}]` : id));
    expect(new Set(ofVersion2)).toEqual(new Set(ofVersion3));
    expect(ofVersion2.length).toBeGreaterThan(0);
  });

  it('would have found a queue that breaks a rule', () => {
    const broken = new Stack();
    new Queue(broken, 'Queue');
    Aspects.of(broken).add(new AwsSolutionsChecks());
    expect(Annotations.fromStack(broken).findError('*', Match.stringLikeRegexp('AwsSolutions-.*'))).not.toEqual([]);
  });
});
