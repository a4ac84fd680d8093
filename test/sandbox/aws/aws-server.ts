import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { startLoopbackServer } from '../loopback-server.ts';
import { AwsError } from './aws-error.ts';
import { type AwsServices, findOperation, type PreparedCall } from './aws-operations.ts';
import { EventBridge } from './event-bridge.ts';
import { type FaultKind, FaultPlan, type InjectedFault, toAccessDenied, toFaultError } from './injected-fault.ts';
import { SecretsManager } from './secrets-manager.ts';
import { Sqs, type SqsOptions } from './sqs.ts';

const DEFAULT_LATENCY_MS = 100;
const SIGNATURE = /^AWS4-HMAC-SHA256 Credential=[^,]+, SignedHeaders=[^,]+, Signature=[0-9a-f]{64}$/;

interface AuthorizationRequest {
  /** IAM action, such as `secretsmanager:GetSecretValue`. */
  action: string;
  /** ARN of the secret, of the event bus or of the queue. */
  resource: string;
  input: object;
}

export interface AwsOptions {
  /** Clock of the services, in ms since 1970. @default the real one */
  now?: () => number;
  /** Event buses beside `default`. */
  eventBusNames?: readonly string[];
  /** Evaluates an IAM policy: `false` is answered with AccessDeniedException. @default everything is allowed */
  authorize?: (request: AuthorizationRequest) => boolean;
  /** See `SecretsManager`. */
  maxVersions?: number;
  /** See `SecretsManager`. */
  retentionMs?: number;
  /** See `SecretsManager`. */
  listLagMs?: number;
  /** See `SecretsManager`. */
  batchPage?: number;
  /** See `Sqs`. */
  sqs?: Omit<SqsOptions, 'now'>;
}

/** One request that arrived, in the order of arrival; the last four members once it was answered. */
export interface AwsCall {
  /** `performance.now()` at its arrival. */
  beganAtMs: number;
  service: 'secretsmanager' | 'events' | 'sqs';
  operation: string;
  input: object;
  /** HTTP status; `undefined` where the connection was dropped or left hanging. */
  status?: number;
  /** AWS error code. */
  error?: string;
  fault?: FaultKind;
  /** Executed calls, including those whose response was lost. */
  output?: object;
}

/** Secrets Manager, EventBridge and SQS on loopback, as the AWS SDK speaks to them: AWS JSON 1.1, signed with SigV4. */
export interface Aws extends AwsServices, AsyncDisposable {
  readonly url: string;
  readonly calls: AwsCall[];
  inject(fault: InjectedFault): void;
  /** Removes injected faults that have not occurred yet. */
  clearFaults(): void;
  close(): Promise<void>;
}

export async function startAws(options: AwsOptions = {}): Promise<Aws> {
  const { now = Date.now, authorize = () => true, eventBusNames = [], sqs, ...limits } = options;
  const services = {
    secretsManager: new SecretsManager({ now, ...limits }),
    eventBridge: new EventBridge({ now, eventBusNames }),
    sqs: new Sqs({ now, ...sqs }),
  };
  const endpoint = new AwsEndpoint(services, authorize, now);
  const { url, close } = await startLoopbackServer((request, response) => void endpoint.answer(request, response));
  const { calls, faults } = endpoint;
  const inject = (fault: InjectedFault) => faults.add(fault);
  const clearFaults = () => faults.clear();
  return { ...services, url, calls, inject, clearFaults, close, [Symbol.asyncDispose]: close };
}

class AwsEndpoint {
  readonly calls: AwsCall[] = [];
  readonly faults = new FaultPlan();
  readonly #services: AwsServices;
  /** When the last calls of `BatchGetSecretValue` arrived. */
  #batches: number[] = [];
  readonly #now: () => number;
  readonly #authorize: (request: AuthorizationRequest) => boolean;

  constructor(services: AwsServices, authorize: (request: AuthorizationRequest) => boolean, now: () => number) {
    this.#now = now;
    this.#services = services;
    this.#authorize = authorize;
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let call: AwsCall | undefined;
    try {
      const body = await text(request);
      if (!SIGNATURE.test(request.headers.authorization ?? '')) throw toUnsigned();
      const {
        service,
        name,
        permission = name,
        prepare,
      } = findOperation(request.headers['x-amz-target']?.toString() ?? '');
      const prepared = prepare(this.#services, JSON.parse(body));
      call = { service, operation: name, input: prepared.input, beganAtMs: performance.now() };
      this.calls.push(call);
      const output = await this.#carryOut(call, `${service}:${permission}`, prepared);
      if (output === 'drop') request.socket.destroy();
      else if (output !== 'hang') send(response, call, 200, output);
    } catch (error) {
      const { name, message, statusCode } = toAwsError(error);
      if (call !== undefined) call.error = name;
      send(response, call, statusCode, { __type: name, message });
    }
  }

  #requireRate(): void {
    this.#batches = [...this.#batches.filter((atMs) => atMs > this.#now() - 1_000), this.#now()];
    if (this.#batches.length > MAX_BATCHES_PER_SECOND) throw new AwsError('ThrottlingException', 'Rate exceeded');
  }

  /** A batch reads each secret as `GetSecretValue` does: with its permission, and with the faults injected for it. */
  #refuse(secretId: string): AwsError | undefined {
    const input = { SecretId: secretId };
    const resource = this.#services.secretsManager.arnOf(secretId);
    if (!this.#authorize({ action: 'secretsmanager:GetSecretValue', resource, input })) return toAccessDenied(resource);
    const fault = this.faults.take('GetSecretValue', input);
    return fault && toFaultError(fault.kind, 'GetSecretValue');
  }

  async #carryOut(
    call: AwsCall,
    action: string,
    { input, resources, run }: PreparedCall,
  ): Promise<object | 'drop' | 'hang'> {
    const fault = this.faults.take(call.operation, input);
    if (fault !== undefined) {
      call.fault = fault.kind;
      if (fault.kind === 'latency') await sleep(fault.latencyMs ?? DEFAULT_LATENCY_MS, undefined, { ref: false });
      if (fault.kind === 'held') await fault.until;
      if (fault.kind === 'drop-before') return 'drop';
      if (fault.kind === 'hang-before') return 'hang';
      const error = toFaultError(fault.kind, call.operation);
      if (error !== undefined) throw error;
    }
    if (call.operation === 'BatchGetSecretValue') this.#requireRate();
    for (const resource of resources) {
      if (!this.#authorize({ action, resource, input })) throw toAccessDenied(`${action} on resource: ${resource}`);
    }
    const output = run((secretId) => this.#refuse(secretId));
    call.output = output;
    if (fault?.kind === 'drop-after') return 'drop';
    return fault?.kind === 'hang-after' ? 'hang' : output;
  }
}

/** AWS allows so many in a second. */
const MAX_BATCHES_PER_SECOND = 100;

function send(response: ServerResponse, call: AwsCall | undefined, status: number, output: object): void {
  if (call !== undefined) call.status = status;
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': randomUUID() });
  response.end(JSON.stringify(output, toWire));
}

/** Replaces values in `JSON.stringify`. It reads the holder, because it gets a `Date` only after `toJSON`. */
function toWire(this: Record<string, unknown>, key: string, value: unknown): unknown {
  const member = this[key];
  if (member instanceof Date) return member.getTime() / 1000;
  if (member instanceof Uint8Array) return Buffer.from(member).toString('base64');
  return value;
}

function toAwsError(error: unknown): AwsError {
  if (error instanceof AwsError) return error;
  if (error instanceof z.ZodError) return new AwsError('ValidationException', z.prettifyError(error));
  if (error instanceof SyntaxError) return new AwsError('SerializationException', 'The body is no JSON.');
  return new AwsError('InternalServiceError', String(error), 500);
}

function toUnsigned(): AwsError {
  return new AwsError('MissingAuthenticationTokenException', 'The request is not signed with SigV4.', 403);
}
