import { beforeAll, describe, expect, it } from 'vitest';
import { EVENT_SOURCE } from '../../lambda/contract.ts';
import { SECRET_ID } from '../sandbox/sandbox.ts';
import { attributesOf } from './deployed-template.ts';
import { evaluatePolicy } from './evaluate-policy.ts';
import { configure, invoke, PATHS } from './handler-paths.ts';
import { assume, nameOf, permissionsOf, toAccessRequests } from './role.ts';
import { EVERY_OPTION, type SynthesisedTemplate, synthesise } from './synthesise.ts';

const DEFAULTS = synthesise();
const { stackName, env, eventBus, ...everyOption } = EVERY_OPTION;
/** Every option that changes what the function may do, without one that changes where it publishes. */
const EVERYTHING = synthesise(everyOption);

/** Actions that the function never calls. Lambda calls them with the function's role. */
const NEEDED_BY_THE_PLATFORM = [
  'WriteLogs logs:CreateLogStream',
  'WriteLogs logs:PutLogEvents',
  'KeepFailedRuns sqs:SendMessage',
  // Secrets Manager does, when the key of the secret has changed.
  'ReadUnderOlderKeys kms:Decrypt',
];
const NEEDED_BY_THE_PLATFORM_WITH_EVERY_OPTION = [
  ...NEEDED_BY_THE_PLATFORM,
  'EncryptFailedRuns kms:Decrypt',
  'EncryptFailedRuns kms:GenerateDataKey',
  'Trace xray:PutTelemetryRecords',
  'Trace xray:PutTraceSegments',
  'AttachToVpc ec2:AssignPrivateIpAddresses',
  'AttachToVpc ec2:CreateNetworkInterface',
  'AttachToVpc ec2:DeleteNetworkInterface',
  'AttachToVpc ec2:DescribeNetworkInterfaces',
  'AttachToVpc ec2:DescribeSubnets',
  'AttachToVpc ec2:UnassignPrivateIpAddresses',
];

const SECRET_ARN = 'arn:aws:secretsmanager:us-east-1:000000000000:secret:Credentials-AbCdEf';
const KEY = 'arn:aws:kms:us-east-1:000000000000:key/99999999-2222-3333-4444-555555555555';

describe('the role of the function', () => {
  const used = new Set<string>();
  const walked = new Map<string, { endings: readonly string[]; denied: readonly string[] }>();

  beforeAll(async () => {
    const queue = PATHS.values();
    const walkOn = async () => {
      for (const { name, walk, sandbox } of queue) {
        await using role = await assume([DEFAULTS, EVERYTHING], { sandbox });
        const endings = await walk(role.deployment);
        walked.set(name, { endings, denied: role.denied });
        for (const permission of role.used) used.add(permission);
      }
    };
    await Promise.all([walkOn(), walkOn(), walkOn()]);
  });

  it.each(PATHS)('allows every call of $name', ({ name, endings }) => {
    expect(walked.get(name)).toEqual({ endings, denied: [] });
  });

  it('has no permission that none of these paths uses, except those that Lambda needs', () => {
    expect(new Set(unusedOf(DEFAULTS, used))).toEqual(new Set(NEEDED_BY_THE_PLATFORM));
  });

  it('has, with every option, only the permissions that these options need', () => {
    expect(new Set(unusedOf(EVERYTHING, used))).toEqual(new Set(NEEDED_BY_THE_PLATFORM_WITH_EVERY_OPTION));
  });
});

describe('without one action', () => {
  it.each([
    // action, how a tick without a value and one with credentials end, POSTs, events
    ['secretsmanager:DescribeSecret', ['STORE_DENIED', 'refreshed'], 1, 1],
    ['secretsmanager:GetSecretValue', ['STORE_DENIED', 'STORE_DENIED'], 0, 0],
    ['secretsmanager:ListSecretVersionIds', ['not-configured', 'STORE_DENIED'], 0, 0],
    ['secretsmanager:PutSecretValue', ['not-configured', 'STORE_DENIED'], 0, 0],
    ['secretsmanager:UpdateSecretVersionStage', ['not-configured', 'STORE_DENIED'], 1, 0],
    ['events:PutEvents', ['not-configured', 'refreshed'], 1, 0],
  ])('%s, two ticks are %j with %i POSTs and %i events', async (missing, endings, posts, events) => {
    await using role = await assume([DEFAULTS], { isHeld: ({ action }) => action !== missing });
    const { sandbox } = role.deployment;
    const lambda = await role.deployment.startFunction();
    const before = await invoke(lambda, {});
    sandbox.putCredentials(await sandbox.mintCredentials());
    expect([...before, ...(await invoke(lambda, {}))]).toEqual(endings);
    expect(sandbox.tokenEndpoint.requests).toHaveLength(posts);
    expect(sandbox.aws.eventBridge.events).toHaveLength(events);
    expect(new Set(role.denied)).toEqual(new Set([missing]));
  });
});

describe('everything else', () => {
  it('the secret of another Retently account is denied', async () => {
    await using role = await assume([DEFAULTS]);
    const { sandbox, startFunction } = role.deployment;
    const other = sandbox.aws.secretsManager.createSecret({ Name: `${SECRET_ID}-other`, SecretString: '{}' });
    const lambda = await startFunction({ CREDENTIALS_SECRET_ID: other.ARN });
    expect(await invoke(lambda, {})).toEqual(['STORE_DENIED']);
  });

  it.each([
    [EVENT_SOURCE, ['PublishEvents events:PutEvents']],
    ['retently.token-refresh.not-ours', []],
  ])('an event from %s is allowed by %j', (Source, names) => {
    const permissions = permissionsOf(DEFAULTS, attributesOf(DEFAULTS, SECRET_ID));
    const resource = 'arn:aws:events:us-east-1:000000000000:event-bus/default';
    const [request] = toAccessRequests(
      { action: 'events:PutEvents', resource, input: { Entries: [{ Source }] } },
      DEFAULTS,
    );
    const permission = request && evaluatePolicy(permissions, request);
    expect(permission === undefined ? [] : [nameOf(permission)]).toEqual(names);
  });

  it.each<[string, string, Record<string, string>, boolean]>([
    ['an older key, for this secret', KEY, {}, true],
    ['an older key, for another secret', KEY, { 'kms:encryptioncontext:secretarn': `${SECRET_ARN}-other` }, false],
    ['an older key, by another service', KEY, { 'kms:viaservice': 'sqs.us-east-1.amazonaws.com' }, false],
    ['an older key, directly', KEY, { 'kms:viaservice': '' }, false],
    ['the key of another account', KEY.replace('000000000000', '999999999999'), {}, false],
  ])('%s', (_name, resource, changes, isAllowed) => {
    const keys = {
      'kms:viaservice': 'secretsmanager.us-east-1.amazonaws.com',
      'kms:encryptioncontext:secretarn': SECRET_ARN,
      ...changes,
    };
    const request = { action: 'kms:Decrypt', resource, keys };
    const permissions = permissionsOf(DEFAULTS, attributesOf(DEFAULTS, SECRET_ARN));
    expect(evaluatePolicy(permissions, request) !== undefined).toBe(isAllowed);
  });

  it('another event bus is denied', async () => {
    await using role = await assume([DEFAULTS]);
    const lambda = await configure(role.deployment, { EVENT_BUS_NAME: 'theirs' });
    expect(await invoke(lambda, {})).toEqual(['refreshed']);
    expect(role.denied).toEqual(['events:PutEvents']);
  });
});

describe('a refresh is allowed', () => {
  it.each<[string, unknown, readonly string[]]>([
    ['with an event bus of its own', { eventBus: { create: 'retently' } }, ['retently']],
    ['with an event bus that is there', { eventBus: 'theirs' }, ['theirs']],
    ['with an existing secret by name', { secret: SECRET_ID }, ['default']],
  ])('%s', async (_, options, eventBusNames) => {
    await using role = await assume([synthesise(options)], { sandbox: { aws: { eventBusNames } } });
    expect(await invoke(await configure(role.deployment), {})).toEqual(['refreshed']);
    expect(role.denied).toEqual([]);
    expect(role.deployment.sandbox.aws.eventBridge.events.map(({ eventBusName }) => eventBusName)).toEqual(
      eventBusNames,
    );
  });
});

function unusedOf(template: SynthesisedTemplate, used: ReadonlySet<string>): readonly string[] {
  const allowed = permissionsOf(template, attributesOf(template, SECRET_ID)).filter(({ effect }) => effect === 'Allow');
  const names = allowed.map(nameOf);
  // One resource a statement: a second one would hide behind the first.
  expect(names).toEqual([...new Set(names)]);
  return names.filter((name) => !used.has(name));
}
