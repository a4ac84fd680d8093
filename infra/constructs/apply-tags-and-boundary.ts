import { Tags } from 'aws-cdk-lib';
import { ManagedPolicy, PermissionsBoundary } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import type { TokenRefreshSettings } from '../options/schema.ts';

/** Applies the tags to every taggable resource in `scope`, and the permissions boundary to every role. */
export function applyTagsAndBoundary(
  scope: Construct,
  { tags, permissionsBoundaryArn }: Pick<TokenRefreshSettings, 'tags' | 'permissionsBoundaryArn'>,
): void {
  for (const [key, value] of Object.entries(tags)) Tags.of(scope).add(key, value);
  if (permissionsBoundaryArn === undefined) return;
  const boundary = ManagedPolicy.fromManagedPolicyArn(scope, 'Boundary', permissionsBoundaryArn);
  PermissionsBoundary.of(scope).apply(boundary);
}
