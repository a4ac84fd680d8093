import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import * as z from 'zod';
import { TokenRefresh, TokenRefreshFleet } from '../../infra/index.ts';
import { ENVIRONMENT } from '../../lambda/contract.ts';
import { WITHOUT_BUNDLING } from '../infra/synthesise.ts';
import type { DeployedFunction, DeployedResource } from '../sandbox/aws/control-plane.ts';
import { SECRET_ID } from '../sandbox/sandbox.ts';
import { runCommand } from '../support/command.ts';
import { type SandboxDeployment, startDeployment } from '../support/deployment.ts';

const STACK = 'Shop';

const templateSchema = z.object({
  Resources: z.record(
    z.string(),
    z.object({
      Type: z.string(),
      Properties: z
        .object({
          Environment: z.object({ Variables: z.record(z.string(), z.unknown()) }).optional(),
          Dimensions: z.array(z.object({ Name: z.string(), Value: z.unknown() })).optional(),
          Target: z.object({ Arn: z.unknown() }).optional(),
          FunctionName: z.unknown().optional(),
          EventSourceArn: z.unknown().optional(),
        })
        .optional(),
    }),
  ),
});
type Deployable = z.output<typeof templateSchema>;

const reference = z.union([
  z.object({ Ref: z.string() }).transform(({ Ref }) => Ref),
  z.object({ 'Fn::GetAtt': z.tuple([z.string(), z.string()]) }).transform((value) => value['Fn::GetAtt'][0]),
]);

let deployment: SandboxDeployment;
let healthy: DeployedFunction['invoke'];

beforeAll(async () => {
  deployment = await startDeployment();
  const { sandbox, lambda } = deployment;
  sandbox.putCredentials(await sandbox.mintCredentials());
  await lambda.invoke({});
  const invocation = await lambda.invoke({ action: 'status' });
  healthy = async () => invocation;
});

afterAll(() => deployment[Symbol.asyncDispose]());

beforeEach(() => {
  const { server } = deployment;
  server.denied.clear();
  server.alarmsOn.clear();
  server.stacks.clear();
  server.functions.clear();
  server.lastTickAt = new Date();
});

let shop: Deployable | undefined;

/** The stack of another app, with two constructs of one account, two fleets, and a function and an alarm of its own. */
function synthesizeShop(): Deployable {
  shop ??= parseShop();
  return shop;
}

function parseShop(): Deployable {
  const stack = new Stack(new App({ context: WITHOUT_BUNDLING }), STACK, { description: 'A shop' });
  new TokenRefresh(stack, 'Emea');
  new TokenRefresh(stack, 'Emea2');
  new TokenRefreshFleet(stack, 'FleetA', { tagKey: 'a' });
  new TokenRefreshFleet(stack, 'FleetB', { tagKey: 'b' });
  const code = Code.fromInline('exports.handler = async () => undefined');
  const checkout = new LambdaFunction(stack, 'Checkout', {
    runtime: Runtime.NODEJS_22_X,
    handler: 'index.handler',
    code,
  });
  new Alarm(stack, 'CheckoutFails', { metric: checkout.metricErrors(), threshold: 1, evaluationPeriods: 1 });
  return templateSchema.parse(replaceDescriptions(Template.fromStack(stack).toJSON()));
}

/** Replaces each text under a key that ends in "description". */
function replaceDescriptions(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(replaceDescriptions);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [
      key,
      /description$/i.test(key) ? 'Changed' : replaceDescriptions(each),
    ]),
  );
}

function physical(logicalId: string): string {
  return `${STACK}-${logicalId}-1A2B3C`;
}

/** Returns the text that CloudFormation puts in place of `value`. */
function resolve(value: unknown): string {
  const found = reference.safeParse(value);
  if (found.success) return physical(found.data);
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Creates in the stand-in the resources that a deployment of the template creates in AWS. */
function deploy({ Resources }: Deployable): void {
  const { server } = deployment;
  const entries = Object.entries(Resources);
  const mappings = entries
    .filter(([, { Type }]) => Type === 'AWS::Lambda::EventSourceMapping')
    .map(([, { Properties }]) => [resolve(Properties?.FunctionName), resolve(Properties?.EventSourceArn)] as const);
  const resources = entries.map(([logicalId, { Type: type, Properties }]): DeployedResource => {
    const physicalId = physical(logicalId);
    if (type === 'AWS::Lambda::Function') {
      const variables = Object.entries(Properties?.Environment?.Variables ?? {});
      const texts = variables.map(([name, value]) => [name, resolve(value)] as const);
      server.functions.set(physicalId, {
        timeoutSeconds: 60,
        environment: Object.fromEntries(texts),
        invoke: healthy,
        queueNames: mappings.flatMap(([name, queue]) => (name === physicalId ? [queue] : [])),
      });
    }
    const watched =
      Properties?.Dimensions?.find(({ Name }) => Name === 'FunctionName')?.Value ?? Properties?.Target?.Arn;
    return { type, logicalId, physicalId, ...(watched === undefined ? {} : { functionName: resolve(watched) }) };
  });
  server.stacks.set(STACK, { resources });
}

/** Returns the physical name of the only function whose logical id begins like this and that has the variable. */
function nameOf(prefix: string, variable: string): string {
  const pattern = new RegExp(`^${STACK}-${prefix}(?!2)`);
  const names = [...deployment.server.functions].filter(
    ([name, { environment }]) => pattern.test(name) && variable in environment,
  );
  return names.map(([name]) => name).join();
}

const reports = z.array(
  z.object({
    account: z.string().optional(),
    fleet: z.string().optional(),
    functionName: z.string(),
    health: z.string(),
    tag: z.object({ key: z.string() }).optional(),
    watch: z.object({
      alarms: z.array(z.object({ name: z.string(), kind: z.string(), isOn: z.boolean() })).optional(),
      schedules: z.array(z.object({ isEnabled: z.boolean() })).optional(),
    }),
  }),
);

async function readStatus(...args: readonly string[]) {
  const { exitCode, stdout, stderr } = await runCommand(['status', '--json', ...args], deployment.environment);
  return { exitCode, stderr, reports: reports.parse(JSON.parse(stdout || '[]')) };
}

test.each([
  ['no option', []],
  ['--stack', ['--stack', STACK]],
])('%s finds each construct in the stack of another app, with any description', async (_what, args) => {
  deploy(synthesizeShop());
  const { reports: found } = await readStatus(...args);
  const emea = nameOf('Emea', ENVIRONMENT.credentialsSecretId);
  const emea2 = nameOf('Emea2', ENVIRONMENT.credentialsSecretId);
  const names = found.map(({ account, fleet, functionName }) => account ?? `${fleet} of ${functionName}`);
  expect(new Set(names)).toEqual(
    new Set([
      `${STACK}/${emea}`,
      `${STACK}/${emea2}`,
      ...['FleetA', 'FleetB'].map((id) => {
        const name = nameOf(id, ENVIRONMENT.leaseSeconds);
        return `${STACK}/${name} of ${name}`;
      }),
    ]),
  );
  // Each sweep is with the refresh function that reads its own queue.
  for (const { tag, functionName } of found) {
    if (tag) expect(functionName).toContain(tag.key === 'a' ? 'FleetA' : 'FleetB');
  }
  for (const { watch } of found) expect(watch.schedules).toEqual([{ isEnabled: true }]);
});

test('an alarm on the function of one construct does not concern the other, and one of the app concerns neither', async () => {
  const shop = synthesizeShop();
  deploy(shop);
  const alarms = Object.entries(shop.Resources).filter(([, { Type }]) => Type === 'AWS::CloudWatch::Alarm');
  const on = alarms.map(([id]) => id).filter((id) => /^Emea2.*TokenNotStored|^CheckoutFails/.test(id));
  expect(on).toHaveLength(2);
  for (const id of on) deployment.server.alarmsOn.add(physical(id));
  const { reports: found } = await readStatus();
  const concerned = found.filter(({ watch }) => watch.alarms?.some(({ isOn }) => isOn));
  expect(concerned.map(({ functionName }) => functionName)).toEqual([nameOf('Emea2', ENVIRONMENT.credentialsSecretId)]);
});

test('refresh of a stack with several constructs needs --function-name, and refreshes that one', async () => {
  deploy(synthesizeShop());
  const emea2 = nameOf('Emea2', ENVIRONMENT.credentialsSecretId);
  const { server, environment } = deployment;
  server.invocations.length = 0;
  expect((await runCommand(['refresh', '--stack', STACK], environment)).exitCode).toBe(2);
  expect(server.invocations).toEqual([]);
  await runCommand(['refresh', '--stack', STACK, '--function-name', emea2, '--json'], environment);
  expect(server.invocations).toEqual([{ functionName: emea2, event: { action: 'refresh' } }]);
});

test('a stack of 0.2.0 is found by the variables that it set', async () => {
  const { server } = deployment;
  const environment = {
    CREDENTIALS_SECRET_ID: SECRET_ID,
    TOKEN_ENDPOINT: 'https://app.retently.com/api/oauth/token',
    EVENT_BUS_NAME: 'default',
    DEFAULT_TOKEN_LIFETIME_SECONDS: '21600',
    LEASE_SECONDS: '90',
  };
  server.functions.set('old', { timeoutSeconds: 60, environment, invoke: healthy });
  server.stacks.set('Old', { resources: [{ type: 'AWS::Lambda::Function', physicalId: 'old' }] });
  expect((await readStatus()).reports).toMatchObject([{ account: 'Old', functionName: 'old', health: 'healthy' }]);
});

test.each(['ListFunctions', 'ListTags'])(
  'without permission for %s, only --stack finds a deployment',
  async (operation) => {
    deploy(synthesizeShop());
    deployment.server.denied.add(operation);
    expect(await readStatus()).toMatchObject({ exitCode: 2, reports: [] });
    expect((await readStatus('--stack', STACK)).reports).toHaveLength(4);
  },
);

test.each(['DescribeAlarms', 'GetSchedule', 'GetMetricData'])(
  'without permission for %s, the health of a healthy token is not known',
  async (operation) => {
    deployment.server.denied.add(operation);
    const hasAlarm = { type: 'AWS::CloudWatch::Alarm', physicalId: 'Old-AlarmsFailedRuns0A1B2C3D-X' };
    deployment.addStack('Old', [{ type: 'AWS::Scheduler::Schedule', physicalId: 'schedule' }, hasAlarm]);
    const { stdout, exitCode } = await runCommand(['status', '--json'], deployment.environment);
    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject([{ account: 'Old', health: 'unknown' }]);
  },
);
