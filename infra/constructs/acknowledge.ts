import { CfnResource, Stack, Token } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import * as z from 'zod';

/** `Validations.ACKNOWLEDGED_RULES_METADATA_KEY`, which older versions of aws-cdk-lib lack. */
const ACKNOWLEDGED_RULES = 'aws:cdk:acknowledged-rules';
const nagMetadataSchema = z.object({ rules_to_suppress: z.array(z.unknown()) });

/**
 * Acknowledges a finding of cdk-nag on a construct and on what it holds now. Version 3 reads the metadata of the construct, and
 * version 2 reads the metadata of each resource in the template.
 *
 * It writes what `Validations.of(scope).acknowledge()` writes, without its stack trace, which would put paths of this machine
 * into what is synthesised.
 *
 * @param rule id of the rule; with a finding in brackets if the rule has several
 * @param reason why the finding is harmless here
 */
export function acknowledge(scope: IConstruct, rule: string, reason: string): void {
  scope.node.addMetadata(ACKNOWLEDGED_RULES, { [`AwsSolutions::${rule}`]: reason });
  const [, id, finding] = /^([^[]+)(?:\[(.+)\])?$/.exec(rule) ?? [];
  const suppression = { reason, id, ...(finding !== undefined && { applies_to: [finding] }) };
  for (const resource of scope.node.findAll().filter((each) => CfnResource.isCfnResource(each))) {
    const present = nagMetadataSchema.safeParse(resource.getMetadata('cdk_nag')).data?.rules_to_suppress ?? [];
    resource.addMetadata('cdk_nag', { rules_to_suppress: [...present, suppression] });
  }
}

/** The finding of cdk-nag on keys or secrets that are bound by a condition and not by their ARN. */
export function acknowledgeWildcard(role: IConstruct, service: string, resource: string, reason: string): void {
  const { region, account } = Stack.of(role);
  const arn = `arn:<AWS::Partition>:${service}:${orName(region, 'AWS::Region')}:${orName(account, 'AWS::AccountId')}:${resource}`;
  acknowledge(role, `AwsSolutions-IAM5[Resource::${arn}]`, reason);
}

/** As cdk-nag writes what is known at deployment only. */
function orName(value: string, name: string): string {
  return Token.isUnresolved(value) ? `<${name}>` : value;
}
