import { Annotations, AspectPriority, Aspects, CfnResource, Stack, Stage, TagManager, Token } from 'aws-cdk-lib';
import type { Construct, IConstruct } from 'constructs';
import { hasTag } from '../../lambda/contract.ts';
import type { FleetSettings } from '../options/fleet-schema.ts';
import { TokenSecret } from './token-secret.ts';

/**
 * Warns about each secret of the app, or of the stage, that gets the tag of the fleet in its AWS account and region.
 * `Tags.of(app).add()` also reaches token secrets, and secrets that hold something else. So do the tags of a stack, which
 * CloudFormation adds to its secrets. The fleet of `scope` would read all of them.
 */
export function warnAboutTaggedSecrets(scope: Construct, { tagKey, tagValue }: FleetSettings): void {
  const { account, region } = Stack.of(scope);
  const isDifferent = (one: string, other: string) =>
    !Token.isUnresolved(one) && !Token.isUnresolved(other) && one !== other;
  const isElsewhere = (node: IConstruct) => {
    const other = Stack.of(node);
    return isDifferent(account, other.account) || isDifferent(region, other.region);
  };
  const visit = (node: IConstruct) => {
    if (!CfnResource.isCfnResource(node) || node.cfnResourceType !== 'AWS::SecretsManager::Secret') return;
    const tag = { key: tagKey, value: tagValue };
    const stackTags = tagsOfStacks(node);
    const ownTags = Object.entries(TagManager.of(node)?.tagValues() ?? {});
    if (!hasTag(new Map([...stackTags, ...ownTags]), tag) || isElsewhere(node)) return;
    const isTokenSecret = node.node.scopes.some((each) => each instanceof TokenSecret);
    const what = isTokenSecret
      ? 'This token secret has the tag of a fleet, which has nothing to refresh in it'
      : 'This secret has the tag of a fleet, which reads it and refreshes the Retently credentials in it';
    const advice = hasTag(stackTags, tag)
      ? "CloudFormation adds the tags of a stack to its secrets. Remove the tag from the stack: in Tags.of(…).add(), set excludeResourceTypes to ['aws:cdk:stack', 'AWS::SecretsManager::Secret']"
      : `Exclude it with Tags.of(secret).remove('${tagKey}')`;
    Annotations.of(node).addWarningV2(
      'retently-token-refresh:taggedSecret',
      `${what}: ${scope.node.path}. ${advice}, or acknowledge this warning if the tag is intended.`,
    );
  };
  // After the aspects that add tags. An aspect of the app does not reach into a stage.
  Aspects.of(Stage.of(scope) ?? scope.node.root).add({ visit }, { priority: AspectPriority.READONLY });
}

/** Returns the tags of the stacks around a resource, the innermost last. CDK ignores those that are known only at deployment. */
function tagsOfStacks(node: IConstruct): ReadonlyMap<string, string> {
  const tags = node.node.scopes
    .filter((each) => Stack.isStack(each))
    .flatMap((each) => Object.entries(each.tags.tagValues()));
  return new Map(tags.filter((keyAndValue) => !Token.isUnresolved(keyAndValue)));
}
