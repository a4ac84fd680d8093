import { Validations } from 'aws-cdk-lib';
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
