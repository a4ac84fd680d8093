import { Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/**
 * Acknowledges a finding of cdk-nag on a construct and on what it holds.
 *
 * What `Validations.of(scope).acknowledge()` writes, without the stack trace that it adds: that one would put the paths
 * of this machine into what is synthesised.
 *
 * @param rule id of the rule, with its finding in brackets where the rule has several
 * @param reason why the finding is right and harmless
 */
export function acknowledge(scope: IConstruct, rule: string, reason: string): void {
  scope.node.addMetadata(Validations.ACKNOWLEDGED_RULES_METADATA_KEY, { [`AwsSolutions::${rule}`]: reason });
}
