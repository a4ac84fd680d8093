import { describe, expect, it } from 'vitest';
import { EVENT_SOURCE } from '../../lambda/contract.ts';
import { FLEET_TAG, type Fleet, startFleet } from '../sandbox/fleet.ts';
import { type Sandbox, startSandbox } from '../sandbox/sandbox.ts';
import { attributesOf } from './deployed-template.ts';
import { evaluatePolicy, type Permission, parsePolicy } from './evaluate-policy.ts';
import { nameOf } from './role.ts';
import { resourceOf, synthesiseFleet } from './synthesise.ts';

const template = synthesiseFleet({ fleet: { tagKey: FLEET_TAG.Key, tagValue: FLEET_TAG.Value } });
// What the sandbox calls the queue.
const QUEUE_ARN = 'arn:aws:sqs:us-east-1:000000000000:refresh';
const [QUEUE_ID = ''] =
  Object.entries(template.Resources).find(([, { Properties }]) => 'RedrivePolicy' in Properties) ?? [];
const RETRIES_ID = Object.keys(template.Resources).find((id) => id.startsWith('FleetQueueRetries')) ?? '';
const attributes = {
  ...attributesOf(template, ''),
  [`${QUEUE_ID}.Arn`]: QUEUE_ARN,
  [`${RETRIES_ID}.Arn`]: QUEUE_ARN.replace(/refresh$/, 'retries'),
};

const ROLES = { sweep: permissionsOf('FleetSweep'), refresh: permissionsOf('FleetRefresh') };
type RoleName = keyof typeof ROLES;

function permissionsOf(part: string): readonly Permission[] {
  return parsePolicy(resourceOf(template, 'AWS::IAM::Policy', part).Properties['PolicyDocument'], attributes);
}

/** Both roles read secrets, under one condition. */
function rolesFor(action: string): readonly RoleName[] {
  if (/ListSecrets$|BatchGetSecretValue$|^sqs:/.test(action)) return ['sweep'];
  return action === 'secretsmanager:GetSecretValue' ? ['sweep', 'refresh'] : ['refresh'];
}

/** Runs `act` in a fleet whose every call its roles must allow. */
async function inFleet(act: (fleet: Fleet, sandbox: Sandbox) => Promise<void>) {
  const used: Record<RoleName, Set<string>> = { sweep: new Set(), refresh: new Set() };
  const denied: string[] = [];
  await using sandbox = await startSandbox({
    aws: {
      authorize({ action, resource }) {
        const { Tags = [] } = resource.includes(':secret:')
          ? sandbox.aws.secretsManager.describeSecret({ SecretId: resource })
          : {};
        const tags = Tags.map(({ Key, Value }) => [`aws:resourcetag/${Key.toLowerCase()}`, Value]);
        const keys = { 'events:source': EVENT_SOURCE, ...Object.fromEntries(tags) };
        return rolesFor(action).every((role) => {
          const permission = evaluatePolicy(ROLES[role], { action, resource, keys });
          if (permission === undefined) denied.push(`${action} on ${resource}`);
          else used[role].add(nameOf(permission));
          return permission !== undefined;
        });
      },
    },
  });
  await act(await startFleet(sandbox, 2), sandbox);
  return { used, denied };
}

describe('the roles of a fleet', () => {
  it('allow every call of sweeps and runs, and hold no more than these and Lambda need', async () => {
    const { used, denied } = await inFleet(async (fleet, sandbox) => {
      fleet.add('healthy', await sandbox.mintCredentials());
      const secretId = fleet.add('empty');
      await fleet.tick();
      await fleet.tick();
      const refresh = await fleet.startRefresh();
      await refresh.invoke({ secretId, action: 'status' });
      expect(fleet.read('healthy')).toHaveProperty('access_token');
    });
    expect(denied).toEqual([]);
    expect(unusedOf('sweep', used.sweep)).toEqual([
      'DecryptSecrets kms:Decrypt',
      'KeepFailedSweeps sqs:SendMessage',
      'WriteLogs logs:CreateLogStream',
      'WriteLogs logs:PutLogEvents',
      // Unit tests of the sweep publish, and use the queue.
      'NotifyOfAccounts sns:Publish',
      'RememberAccounts sqs:DeleteMessage',
      'RememberAccounts sqs:GetQueueAttributes',
      'RememberAccounts sqs:ReceiveMessage',
      'RememberAccounts sqs:SendMessage',
    ]);
    expect(unusedOf('refresh', used.refresh)).toEqual([
      'TakeMessages sqs:DeleteMessage',
      'TakeMessages sqs:GetQueueAttributes',
      'TakeMessages sqs:ReceiveMessage',
      'UseKeysOfSecrets kms:Decrypt',
      'UseKeysOfSecrets kms:GenerateDataKey',
      'WriteLogs logs:CreateLogStream',
      'WriteLogs logs:PutLogEvents',
    ]);
  });

  it('deny a secret that has lost the tag while its message was on the way, and nothing of it is read', async () => {
    const { denied } = await inFleet(async (fleet, sandbox) => {
      const arn = fleet.add('left', await sandbox.mintCredentials());
      await fleet.sweep();
      sandbox.aws.secretsManager.untagResource({ SecretId: arn, TagKeys: [FLEET_TAG.Key] });
      await fleet.refresh.drain();
      expect(fleet.read('left')).not.toHaveProperty('access_token');
      expect(sandbox.tokenEndpoint.requests).toEqual([]);
      expect(sandbox.aws.sqs.size).toBe(0);
    });
    expect(new Set(denied.map((line) => line.split(' ')[0]))).toEqual(new Set(['secretsmanager:GetSecretValue']));
  });
});

function unusedOf(role: RoleName, used: ReadonlySet<string>): readonly string[] {
  return [...new Set(ROLES[role].map(nameOf))].filter((name) => !used.has(name));
}
