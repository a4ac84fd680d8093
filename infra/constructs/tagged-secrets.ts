import { Annotations, AspectPriority, Aspects, CfnResource, Stack, Stage, TagManager, Token } from 'aws-cdk-lib';
import type { Construct, IConstruct } from 'constructs';
import { hasTag } from '../../lambda/contract.ts';
import type { FleetSettings } from '../options/fleet-schema.ts';
import { TokenSecret } from './token-secret.ts';

/**
 * Warns about each secret of the app, or of the stage, that gets the tag of the fleet in its region. `Tags.of(app).add()` also
 * reaches token secrets, and secrets that hold something else. The fleet of `scope` would read all of them.
 */
export function warnAboutTaggedSecrets(scope: Construct, { tagKey, tagValue }: FleetSettings): void {
  const { region } = Stack.of(scope);
  const isElsewhere = (node: IConstruct) => {
    const other = Stack.of(node).region;
    return !Token.isUnresolved(region) && !Token.isUnresolved(other) && region !== other;
  };
  const visit = (node: IConstruct) => {
    if (!CfnResource.isCfnResource(node) || node.cfnResourceType !== 'AWS::SecretsManager::Secret') return;
    const tags = new Map(Object.entries(TagManager.of(node)?.tagValues() ?? {}));
    if (!hasTag(tags, { key: tagKey, value: tagValue }) || isElsewhere(node)) return;
    const isTokenSecret = node.node.scopes.some((each) => each instanceof TokenSecret);
    const what = isTokenSecret
      ? 'This token secret has the tag of a fleet, which has nothing to refresh in it'
      : 'This secret has the tag of a fleet, which reads it and refreshes the Retently credentials in it';
    Annotations.of(node).addWarningV2(
      'retently-token-refresh:taggedSecret',
      `${what}: ${scope.node.path}. Exclude it with Tags.of(secret).remove('${tagKey}'), or acknowledge this warning if the tag is intended.`,
    );
  };
  // After the aspects that add tags. An aspect of the app does not reach into a stage.
  Aspects.of(Stage.of(scope) ?? scope.node.root).add({ visit }, { priority: AspectPriority.READONLY });
}
