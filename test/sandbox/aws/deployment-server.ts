import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import * as z from 'zod';
import type { Invocation } from '../lambda/lambda-process.ts';
import { startLoopbackServer } from '../loopback-server.ts';

const INVOCATIONS = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/;
const SCHEDULE = /^\/schedules\/([^/]+)$/;
const CONFIGURATION = /^\/2015-03-31\/functions\/([^/]+)\/configuration$/;

const metric = z.object({ Dimensions: z.array(z.object({ Value: z.string() })) });
const metricDataRequest = z.object({
  MetricDataQueries: z.array(z.object({ MetricStat: z.object({ Metric: metric }) })),
});

export interface DeployedFunction {
  readonly timeoutSeconds: number;
  readonly environment: Readonly<Record<string, string>>;
  /** Whether Scheduler invokes it. @default true */
  readonly isTicked?: boolean;
  /** Rejects: the connection breaks. */
  invoke(event: unknown): Promise<Invocation>;
}

interface DeployedStack {
  readonly description: string;
  readonly resources: readonly { readonly type: string; readonly physicalId: string }[];
}

/** What a deploy leaves behind, on loopback: Lambda as far as it is invoked, and what watches it as far as it is read. */
export interface DeploymentServer extends AsyncDisposable {
  readonly url: string;
  readonly functions: Map<string, DeployedFunction>;
  readonly stacks: Map<string, DeployedStack>;
  /** Names of the alarms that are on. */
  readonly alarmsOn: Set<string>;
  /** Names of the schedules that are disabled. */
  readonly schedulesOff: Set<string>;
  /** Of the last event that Lambda took from Scheduler. */
  lastTickAt: Date | undefined;
  /** In the order of their arrival. */
  readonly invocations: { functionName: string; event: unknown }[];
  /** Answers every request with this error of AWS, until it is `undefined` again. */
  refuseWith: { status: number; code: string } | undefined;
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
    invocations: [],
    refuseWith: undefined,
    [Symbol.asyncDispose]: close,
  };
  return server;
}

async function answer(server: DeploymentServer, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname } = new URL(request.url ?? '/', server.url);
  const body = await text(request);
  const target = request.headers['x-amz-target']?.toString();
  if (server.refuseWith) {
    const { status, code } = server.refuseWith;
    return pathname === '/' && target === undefined
      ? sendXmlError(response, status, code, `${code} of the sandbox`)
      : sendError(response, status, code);
  }
  if (target !== undefined) return answerCloudWatch(server, target, JSON.parse(body), response);
  if (pathname === '/') return answerCloudFormation(server, new URLSearchParams(body), response);
  const schedule = SCHEDULE.exec(pathname)?.[1];
  if (schedule !== undefined) {
    const State = server.schedulesOff.has(schedule) ? 'DISABLED' : 'ENABLED';
    return sendJson(response, { Name: schedule, State, ScheduleExpression: 'rate(10 minutes)' });
  }
  const name = decodeURIComponent((INVOCATIONS.exec(pathname) ?? CONFIGURATION.exec(pathname))?.[1] ?? '');
  const deployed = server.functions.get(name);
  if (deployed === undefined) return sendError(response, 404, 'ResourceNotFoundException');
  if (CONFIGURATION.test(pathname)) {
    const { timeoutSeconds: Timeout, environment: Variables } = deployed;
    return sendJson(response, { FunctionName: name, Timeout, Environment: { Variables } });
  }
  const event: unknown = JSON.parse(body);
  server.invocations.push({ functionName: name, event });
  try {
    sendInvocation(response, await deployed.invoke(event));
  } catch {
    response.destroy();
  }
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

/** AWS JSON 1.0: a timestamp is seconds since 1970. */
function answerCloudWatch(server: DeploymentServer, target: string, body: unknown, response: ServerResponse): void {
  if (target.endsWith('.DescribeAlarms')) {
    const { AlarmNames } = z.object({ AlarmNames: z.array(z.string()) }).parse(body);
    const toState = (name: string) => (server.alarmsOn.has(name) ? 'ALARM' : 'OK');
    sendJson(response, { MetricAlarms: AlarmNames.map((name) => ({ AlarmName: name, StateValue: toState(name) })) });
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
  const stackName = form.get('StackName') ?? undefined;
  const stack = stacks.get(stackName ?? '');
  const isUnknown = stackName !== undefined && stack === undefined;
  if (isUnknown) {
    sendXmlError(response, 400, 'ValidationError', `Stack with id ${stackName} does not exist`);
  } else if (form.get('Action') === 'ListStackResources') {
    const members = (stack?.resources ?? []).map(({ type, physicalId }) =>
      toXml('member', toXml('ResourceType', type) + toXml('PhysicalResourceId', physicalId)),
    );
    sendXml(response, 200, toResponse('ListStackResources', 'StackResourceSummaries', members));
  } else {
    const members = [...stacks].map(([name, { description }]) =>
      toXml('member', toXml('StackName', name) + toXml('Description', description)),
    );
    sendXml(response, 200, toResponse('DescribeStacks', 'Stacks', members));
  }
}

function toResponse(action: string, list: string, members: readonly string[]): string {
  return toXml(`${action}Response`, toXml(`${action}Result`, toXml(list, members.join(''))));
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
