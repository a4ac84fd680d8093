import { Stack, Token, Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/**
 * Acknowledges a finding of cdk-nag on a construct and on what it holds.
 *
 * It writes what `Validations.of(scope).acknowledge()` writes, without its stack trace, which would put paths of this machine
 * into what is synthesised.
 *
 * @param rule id of the rule; with a finding in brackets if the rule has several
 * @param reason why the finding is harmless here
 */
export function acknowledge(scope: IConstruct, rule: string, reason: string): void {
  scope.node.addMetadata(Validations.ACKNOWLEDGED_RULES_METADATA_KEY, { [`AwsSolutions::${rule}`]: reason });
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
