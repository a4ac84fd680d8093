import { App, CfnParameter, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { describe, expect, it } from 'vitest';
import { OptionsError } from '../../infra/options/mistakes.ts';
import { TokenRefreshFleet, type TokenRefreshFleetProps } from '../../infra/token-refresh-fleet.ts';
import { KEY_ARN, resourceOf, synthesiseFleet, templateOf, WITHOUT_BUNDLING } from './synthesise.ts';

const ENV = { account: '123456789012', region: 'eu-west-1' };

function build(toProps: (scope: Stack) => TokenRefreshFleetProps = () => ({ tagKey: 'retently' })) {
  const stack = new Stack(new App({ context: WITHOUT_BUNDLING }), 'Theirs', { env: ENV });
  return { stack, fleet: new TokenRefreshFleet(stack, 'Fleet', toProps(stack)) };
}

/** The resources, except the code: if it is not bundled, its hash depends on its location. */
function withoutCode({ Resources }: ReturnType<typeof synthesiseFleet>): object {
  return Object.fromEntries(
    Object.entries(Resources).map(([id, resource]) => {
      // CDK names a composite alarm after its path, which begins with the stack.
      const { Code: _, AlarmName: __, ...Properties } = resource.Properties;
      return [id, { ...resource, Properties }];
    }),
  );
}

function refusalOf(props: unknown): string {
  try {
    // What JavaScript lets a caller write.
    Reflect.construct(TokenRefreshFleet, [new Stack(new App(), 'Theirs', { env: ENV }), 'Fleet', props]);
  } catch (error) {
    if (error instanceof OptionsError) return error.message;
    throw error;
  }
  return '';
}

describe("the construct of a fleet in a user's stack creates the same resources as the app", () => {
  it.each<[string, (scope: Stack) => TokenRefreshFleetProps, object]>([
    ['the defaults', () => ({ tagKey: 'retently' }), {}],
    [
      'every prop',
      (scope) => ({
        tagKey: 'retently',
        tagValue: 'live',
        maximumConcurrency: 20,
        encryptionKey: Key.fromKeyArn(scope, 'Key', KEY_ARN),
        interval: Duration.minutes(15),
        flexibleWindow: Duration.minutes(5),
        memorySize: 1024,
        xray: true,
        fips: true,
        dashboard: false,
        publishEvents: false,
        alarmEmails: ['ops@example.com'],
        removalPolicies: { queues: RemovalPolicy.RETAIN, logs: RemovalPolicy.RETAIN },
      }),
      {
        fleet: { tagKey: 'retently', tagValue: 'live', maximumConcurrency: 20 },
        encryptionKey: KEY_ARN,
        interval: { minutes: 15 },
        flexibleWindow: { minutes: 5 },
        memorySize: 1024,
        xray: true,
        fips: true,
        dashboard: false,
        publishEvents: false,
        alarmEmails: ['ops@example.com'],
        removalPolicies: { queues: 'retain', logs: 'retain' },
      },
    ],
  ])('%s', (_what, toProps, options) => {
    const ours = synthesiseFleet({ env: ENV, ...options });
    expect(withoutCode(templateOf(build(toProps).stack))).toEqual(withoutCode(ours));
  });
});

describe('the construct', () => {
  it('describes its resources', () => {
    const { fleet } = build();
    expect(fleet.alarms).toHaveLength(8);
    const all = [fleet.lambdaFunction, fleet.sweepFunction, fleet.queue, fleet.deadLetters, fleet.failedSweeps];
    expect(new Set([...all, fleet.undeliveredTicks, fleet.alarmTopic]).size).toBe(7);
    const { namespace, dimensions } = fleet.metric('Refreshed');
    expect([namespace, dimensions]).toEqual([
      'RetentlyTokenRefresh',
      { FunctionName: fleet.lambdaFunction.functionName },
    ]);
    expect(fleet.metricSweep('SecretsQueued')).toMatchObject({
      statistic: 'Maximum',
      dimensions: { FunctionName: fleet.sweepFunction.functionName },
    });
  });

  it('lets a role refresh one secret, or ask for its status', () => {
    const { stack, fleet } = build();
    fleet.grantInvoke(new Role(stack, 'Operator', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') }));
    const { Properties } = resourceOf(templateOf(stack), 'AWS::IAM::Policy', 'Operator');
    expect(JSON.stringify(Properties)).toContain('lambda:InvokeFunction');
  });

  it('gives a key of the app the statements that logs and alarms need', () => {
    const { stack } = build((scope) => ({ tagKey: 'retently', encryptionKey: new Key(scope, 'Key') }));
    const { Properties } = resourceOf(templateOf(stack), 'AWS::KMS::Key');
    expect(JSON.stringify(Properties)).toContain('cloudwatch.amazonaws.com');
    expect(JSON.stringify(Properties)).toContain('logs.eu-west-1.amazonaws.com');
  });
});

describe('rejects', () => {
  it.each([
    ['no tag', {}, '- tagKey '],
    ['a reserved tag', { tagKey: 'aws:mine' }, '- tagKey '],
    ['an empty value', { tagKey: 'retently', tagValue: '' }, '- tagValue '],
    ['a concurrency of 1', { tagKey: 'retently', maximumConcurrency: 1 }, '- maximumConcurrency '],
    ['a secret', { tagKey: 'retently', secret: {} }, '- secret '],
    ['another interval', { tagKey: 'retently', interval: Duration.minutes(1) }, '- interval '],
  ])('%s', (_what, props, prop) => {
    expect(refusalOf(props)).toContain(prop);
  });
});

describe('a tag that is known only at deployment', () => {
  const text = (scope: Stack) => new CfnParameter(scope, 'Parameter').valueAsString;

  it('passes as a value', () => {
    const { stack } = build((scope) => ({ tagKey: 'retently', tagValue: text(scope) }));
    expect(JSON.stringify(templateOf(stack))).toContain('"aws:ResourceTag/retently":{"Ref":"Parameter"}');
  });

  it('is rejected as a key, which no template can compute', () => {
    const stack = new Stack(new App(), 'Theirs', { env: ENV });
    expect(refusalOf({ tagKey: text(stack) })).toContain('- tagKey ');
  });
});
