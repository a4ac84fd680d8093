import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import * as z from 'zod';
import type { Invocation } from '../lambda/lambda-process.ts';
import { startLoopbackServer } from '../loopback-server.ts';

const INVOCATIONS = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/;
const SCHEDULE = /^\/schedules\/([^/]+)$/;
const FUNCTIONS = /^\/2015-03-31\/functions\/?$/;
const MAPPINGS = /^\/2015-03-31\/event-source-mappings\/?$/;
const TAGS = /^\/2017-03-31\/tags\/(.+)$/;
const CONFIGURATION = /^\/2015-03-31\/functions\/([^/]+)\/configuration$/;

const ARN_PREFIX = 'arn:aws:lambda:us-east-1:123456789012:function:';
/** Small, so that code that reads only the first page misses something. */
const PAGE_SIZE = 2;

const metric = z.object({ Dimensions: z.array(z.object({ Value: z.string() })) });
const metricDataRequest = z.object({
  MetricDataQueries: z.array(z.object({ MetricStat: z.object({ Metric: metric }) })),
});

export interface DeployedFunction {
  readonly timeoutSeconds: number;
  readonly environment: Readonly<Record<string, string>>;
  /** Whether Scheduler invokes it. @default true */
  readonly isTicked?: boolean;
  /** Whether it was deployed without CloudFormation. @default false */
  readonly isStackless?: boolean;
  /** Whether Lambda rejects invocations because no concurrency is left. @default false */
  readonly isThrottled?: boolean;
  /** Names of the queues whose messages Lambda sends to it. */
  readonly queueNames?: readonly string[];
  /** Rejects: the connection breaks. */
  invoke(event: unknown): Promise<Invocation>;
}

export interface DeployedResource {
  readonly type: string;
  readonly physicalId: string;
  /** @default the middle of the physical id, as CloudFormation composes it: stack, logical id, random suffix */
  readonly logicalId?: string;
  /** Function that an alarm's metric has as its dimension. */
  readonly functionName?: string;
}

interface DeployedStack {
  readonly resources: readonly DeployedResource[];
}

/** Deployed resources on loopback: Lambda for invocations, and the monitoring services for reads. */
export interface DeploymentServer extends AsyncDisposable {
  readonly url: string;
  readonly functions: Map<string, DeployedFunction>;
  readonly stacks: Map<string, DeployedStack>;
  /** Names of the alarms that are on. */
  readonly alarmsOn: Set<string>;
  /** Names of the schedules that are disabled. */
  readonly schedulesOff: Set<string>;
  /** Time of the last event that Lambda accepted from Scheduler. */
  lastTickAt: Date | undefined;
  /** When the schedules were deployed or changed. */
  schedulesChangedAt: Date;
  /** In the order of their arrival. */
  readonly invocations: { functionName: string; event: unknown }[];
  /** Answers every request with this error of AWS, until it is `undefined` again. */
  refuseWith: { status: number; code: string } | undefined;
  /** Operations that IAM denies. */
  readonly denied: Set<string>;
  /** Operations in the order of their arrival. */
  readonly operations: string[];
}

export async function startDeploymentServer(): Promise<DeploymentServer> {
  const { url, close } = await startLoopbackServer((request, response) => void answer(server, request, response));
  const server: DeploymentServer = {
    url,
    functions: new Map(),
    stacks: new Map(),
    alarmsOn: new Set(),
    schedulesOff: new Set(),
    lastTickAt: undefined,
    schedulesChangedAt: new Date(),
    invocations: [],
    refuseWith: undefined,
    denied: new Set(),
    operations: [],
    [Symbol.asyncDispose]: close,
  };
  return server;
}

async function answer(server: DeploymentServer, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', server.url);
  const body = await text(request);
  const target = request.headers['x-amz-target']?.toString();
  const operation = toOperation(pathname, target, body);
  server.operations.push(operation);
  const refusal = server.denied.has(operation) ? { status: 403, code: 'AccessDeniedException' } : server.refuseWith;
  if (refusal) {
    const { status, code } = refusal;
    return pathname === '/' && target === undefined
      ? sendXmlError(response, status, code, `${code} of the sandbox`)
      : sendError(response, status, code);
  }
  if (target !== undefined) return answerCloudWatch(server, target, JSON.parse(body), response);
  if (pathname === '/') return answerCloudFormation(server, new URLSearchParams(body), response);
  const schedule = SCHEDULE.exec(pathname)?.[1];
  if (schedule !== undefined) {
    const State = server.schedulesOff.has(schedule) ? 'DISABLED' : 'ENABLED';
    const Target = { Arn: `${ARN_PREFIX}${findTicked(server, schedule)}` };
    const LastModificationDate = server.schedulesChangedAt.getTime() / 1000;
    const found = { Name: schedule, State, ScheduleExpression: 'rate(10 minutes)', LastModificationDate, Target };
    return sendJson(response, found);
  }
  if (FUNCTIONS.test(pathname)) {
    const { items, next } = toPage(listFunctions(server), searchParams.get('Marker'));
    return sendJson(response, { Functions: items, NextMarker: next });
  }
  if (MAPPINGS.test(pathname)) {
    const { queueNames = [] } = server.functions.get(searchParams.get('FunctionName') ?? '') ?? {};
    const { items, next } = toPage(queueNames, searchParams.get('Marker'));
    const mappings = items.map((name) => ({ EventSourceArn: `arn:aws:sqs:us-east-1:123456789012:${name}` }));
    return sendJson(response, { EventSourceMappings: mappings, NextMarker: next });
  }
  const tagged = TAGS.exec(pathname)?.[1];
  if (tagged !== undefined) {
    const stackName = findStackOf(server, decodeURIComponent(tagged).slice(ARN_PREFIX.length));
    return sendJson(response, { Tags: stackName === undefined ? {} : { 'aws:cloudformation:stack-name': stackName } });
  }
  const name = decodeURIComponent((INVOCATIONS.exec(pathname) ?? CONFIGURATION.exec(pathname))?.[1] ?? '');
  const deployed = server.functions.get(name);
  if (deployed === undefined) return sendError(response, 404, 'ResourceNotFoundException');
  if (CONFIGURATION.test(pathname)) {
    return sendJson(response, toConfiguration(name, deployed));
  }
  if (deployed.isThrottled) return sendError(response, 429, 'TooManyRequestsException');
  const event: unknown = JSON.parse(body);
  server.invocations.push({ functionName: name, event });
  try {
    sendInvocation(response, await deployed.invoke(event));
  } catch {
    response.destroy();
  }
}

function toOperation(pathname: string, target: string | undefined, body: string): string {
  if (target !== undefined) return target.split('.').at(-1) ?? '';
  if (pathname === '/') return new URLSearchParams(body).get('Action') ?? '';
  const paths: readonly (readonly [string, RegExp])[] = [
    ['Invoke', INVOCATIONS],
    ['GetFunctionConfiguration', CONFIGURATION],
    ['ListFunctions', FUNCTIONS],
    ['ListEventSourceMappings', MAPPINGS],
    ['ListTags', TAGS],
    ['GetSchedule', SCHEDULE],
  ];
  return paths.find(([, path]) => path.test(pathname))?.[0] ?? '';
}

/** A function is deployed by a stack and disappears with it. One of no stack stays. */
function listFunctions(server: DeploymentServer): object[] {
  const deployed = [...server.functions].filter(([name, { isStackless }]) => isStackless || findStackOf(server, name));
  return deployed.map(([name, each]) => toConfiguration(name, each));
}

function toConfiguration(name: string, { timeoutSeconds: Timeout, environment: Variables }: DeployedFunction): object {
  return { FunctionName: name, FunctionArn: `${ARN_PREFIX}${name}`, Timeout, Environment: { Variables } };
}

function findStackOf({ stacks }: DeploymentServer, physicalId: string): string | undefined {
  return [...stacks].find(([, { resources }]) => resources.some((each) => each.physicalId === physicalId))?.[0];
}

function findTicked({ functions, stacks }: DeploymentServer, schedule: string): string | undefined {
  const all = [...stacks.values()].flatMap(({ resources }) => resources);
  const { functionName } = all.find(({ physicalId }) => physicalId === schedule) ?? {};
  const own = [...stacks.values()].find(({ resources }) => resources.some((each) => each.physicalId === schedule));
  const isTicked = (name: string) => functions.has(name) && functions.get(name)?.isTicked !== false;
  return functionName ?? own?.resources.find(({ physicalId }) => isTicked(physicalId))?.physicalId;
}

/** Returns a part of `items`, and the token that asks for the next one. */
function toPage<T>(items: readonly T[], token: string | null | undefined): { items: T[]; next: string | undefined } {
  const start = Number(token ?? 0);
  const end = start + PAGE_SIZE;
  return { items: items.slice(start, end), next: end < items.length ? String(end) : undefined };
}

function sendInvocation(response: ServerResponse, invocation: Invocation): void {
  if (invocation.kind === 'result') {
    sendJson(response, invocation.result);
    return;
  }
  const fault =
    invocation.kind === 'error'
      ? { errorType: invocation.errorType, errorMessage: invocation.errorMessage, trace: invocation.trace }
      : { errorType: 'Sandbox.Timedout', errorMessage: 'Task timed out' };
  // A function's fault is an answer of Lambda with status 200 and a header.
  sendJson(response, fault, { 'x-amz-function-error': 'Unhandled' });
}

function sendJson(response: ServerResponse, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

function sendError(response: ServerResponse, status: number, code: string): void {
  const headers = { 'content-type': 'application/json', 'x-amzn-errortype': code };
  response.writeHead(status, headers).end(JSON.stringify({ message: `${code} of the sandbox` }));
}

const alarmsRequest = z.object({ AlarmNames: z.array(z.string()), NextToken: z.string().optional() });

function toDimensions({ stacks }: DeploymentServer, alarmName: string): object[] {
  const resources = [...stacks.values()].flatMap((stack) => stack.resources);
  const { functionName } = resources.find(({ physicalId }) => physicalId === alarmName) ?? {};
  return functionName === undefined ? [] : [{ Name: 'FunctionName', Value: functionName }];
}

/** AWS JSON 1.0: a timestamp is seconds since 1970. */
function answerCloudWatch(server: DeploymentServer, target: string, body: unknown, response: ServerResponse): void {
  if (target.endsWith('.DescribeAlarms')) {
    const { AlarmNames, NextToken } = alarmsRequest.parse(body);
    const { items, next } = toPage(AlarmNames, NextToken);
    const toState = (name: string) => (server.alarmsOn.has(name) ? 'ALARM' : 'OK');
    const MetricAlarms = items.map((name) => ({
      AlarmName: name,
      StateValue: toState(name),
      Dimensions: toDimensions(server, name),
    }));
    sendJson(response, { MetricAlarms, NextToken: next });
  } else {
    const [query] = metricDataRequest.parse(body).MetricDataQueries;
    const [dimension] = query?.MetricStat.Metric.Dimensions ?? [];
    const isTicked = server.functions.get(dimension?.Value ?? '')?.isTicked !== false;
    const tickSeconds = isTicked && server.lastTickAt ? [server.lastTickAt.getTime() / 1000] : [];
    const result = { Id: 'ticks', StatusCode: 'Complete', Timestamps: tickSeconds, Values: tickSeconds.map(() => 1) };
    sendJson(response, { MetricDataResults: [result] });
  }
}

function answerCloudFormation({ stacks }: DeploymentServer, form: URLSearchParams, response: ServerResponse): void {
  const stackName = form.get('StackName') ?? '';
  const stack = stacks.get(stackName);
  if (stack === undefined) {
    sendXmlError(response, 400, 'ValidationError', `Stack with id ${stackName} does not exist`);
    return;
  }
  const { items, next } = toPage(stack.resources, form.get('NextToken'));
  const members = items.map(({ type, physicalId, logicalId = physicalId.split('-').at(-2) ?? physicalId }) =>
    toXml(
      'member',
      toXml('ResourceType', type) + toXml('LogicalResourceId', logicalId) + toXml('PhysicalResourceId', physicalId),
    ),
  );
  const list = toXml('StackResourceSummaries', members.join('')) + (next === undefined ? '' : toXml('NextToken', next));
  sendXml(response, 200, toXml('ListStackResourcesResponse', toXml('ListStackResourcesResult', list)));
}

function toXml(name: string, content: string): string {
  return `<${name}>${content}</${name}>`;
}

function sendXmlError(response: ServerResponse, status: number, code: string, message: string): void {
  const error = toXml('Error', toXml('Code', code) + toXml('Message', message));
  sendXml(response, status, toXml('ErrorResponse', error));
}

function sendXml(response: ServerResponse, status: number, xml: string): void {
  response.writeHead(status, { 'content-type': 'text/xml' }).end(xml);
}
