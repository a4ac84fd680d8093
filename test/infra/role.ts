import * as z from 'zod';
import type { AwsOptions } from '../sandbox/aws/aws-server.ts';
import type { SandboxOptions } from '../sandbox/sandbox.ts';
import { type Deployment, deploy } from './deployed-template.ts';
import { type AccessRequest, evaluatePolicy, type Permission, parsePolicy } from './evaluate-policy.ts';
import type { Attributes } from './resolve-intrinsics.ts';
import { KEY_ARN, resourceOf, resourcesOf, type SynthesisedTemplate } from './synthesise.ts';

type AuthorizationRequest = Parameters<NonNullable<AwsOptions['authorize']>>[0];

/** KMS actions that Secrets Manager calls on behalf of the caller. */
const KEY_ACTIONS: Readonly<Record<string, readonly string[]>> = {
  'secretsmanager:GetSecretValue': ['kms:Decrypt'],
  'secretsmanager:PutSecretValue': ['kms:Decrypt', 'kms:GenerateDataKey'],
};
const entriesSchema = z.object({ Entries: z.array(z.object({ Source: z.string() })) });

/** A deployment whose every call must be allowed by the function's role. */
export interface Role extends AsyncDisposable {
  readonly deployment: Deployment;
  /** Permissions of the role that were used. */
  readonly used: ReadonlySet<string>;
  /** Actions that were denied. */
  readonly denied: readonly string[];
}

interface RoleOptions {
  readonly sandbox?: SandboxOptions | undefined;
  /** Leaves the rest of the policy out. @default all of it is there */
  readonly isHeld?: (permission: Permission) => boolean;
}

/** Deploys the first template; the policies of all of them are evaluated on every call. */
export async function assume(
  templates: readonly [SynthesisedTemplate, ...SynthesisedTemplate[]],
  options: RoleOptions = {},
): Promise<Role> {
  const { sandbox = {}, isHeld = () => true } = options;
  const used = new Set<string>();
  const denied: string[] = [];
  const isAllowed = (template: SynthesisedTemplate, call: AuthorizationRequest): boolean => {
    const permissions = permissionsOf(template, deployment.attributes).filter(isHeld);
    return toAccessRequests(call, template).every((request) => {
      const permission = evaluatePolicy(permissions, request);
      if (permission === undefined) denied.push(request.action);
      else used.add(nameOf(permission));
      return permission !== undefined;
    });
  };
  const authorize = (call: AuthorizationRequest) => templates.every((template) => isAllowed(template, call));
  const deployment = await deploy(templates[0], { ...sandbox, aws: { ...sandbox.aws, authorize } });
  return { deployment, used, denied, [Symbol.asyncDispose]: () => deployment[Symbol.asyncDispose]() };
}

export function permissionsOf(template: SynthesisedTemplate, attributes: Attributes): readonly Permission[] {
  const { Properties } = resourceOf(template, 'AWS::IAM::Policy', 'FunctionRole');
  return parsePolicy(Properties['PolicyDocument'], attributes);
}

/** Returns the IAM requests of one call: one per event of PutEvents, and one for the key of a secret that has one. */
export function toAccessRequests(call: AuthorizationRequest, template: SynthesisedTemplate): readonly AccessRequest[] {
  const { action, resource } = call;
  if (action === 'events:PutEvents') {
    const { Entries } = entriesSchema.parse(call.input);
    return Entries.map(({ Source }) => ({ action, resource, keys: { 'events:source': Source } }));
  }
  const hasKey = resourcesOf(template, 'AWS::SecretsManager::Secret').some(
    ({ Properties }) => 'KmsKeyId' in Properties,
  );
  const keyActions = hasKey ? (KEY_ACTIONS[action] ?? []) : [];
  const keys = { 'kms:viaservice': 'secretsmanager.us-east-1.amazonaws.com' };
  return [{ action, resource }, ...keyActions.map((each) => ({ action: each, resource: KEY_ARN, keys }))];
}

/** Returns the identity of a permission. */
export function nameOf({ sid, action }: Permission): string {
  return `${sid} ${action}`;
}
