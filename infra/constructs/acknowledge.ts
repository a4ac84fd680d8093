import { CfnResource, Stack, Token } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import * as z from 'zod';

/** `Validations.ACKNOWLEDGED_RULES_METADATA_KEY`, which older versions of aws-cdk-lib lack. */
const ACKNOWLEDGED_RULES = 'aws:cdk:acknowledged-rules';
const nagMetadataSchema = z.object({ rules_to_suppress: z.array(z.unknown()) });

/**
 * Acknowledges a cdk-nag finding on a construct and its current children. Version 3 reads the metadata of the construct, and
 * version 2 reads the metadata of each resource in the template.
 *
 * Writes the same metadata as `Validations.of(scope).acknowledge()`, but no stack trace, which would put this machine's paths
 * into the synthesized files.
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

/** Acknowledges the cdk-nag finding on keys or secrets that a condition restricts instead of an ARN. */
export function acknowledgeWildcard(role: IConstruct, service: string, resource: string, reason: string): void {
  const { region, account } = Stack.of(role);
  const arn = `arn:<AWS::Partition>:${service}:${orName(region, 'AWS::Region')}:${orName(account, 'AWS::AccountId')}:${resource}`;
  acknowledge(role, `AwsSolutions-IAM5[Resource::${arn}]`, reason);
}

/** Returns a value as cdk-nag writes it: by name if it is known only at deployment. */
function orName(value: string, name: string): string {
  return Token.isUnresolved(value) ? `<${name}>` : value;
}
