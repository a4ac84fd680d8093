import { randomUUID } from 'node:crypto';
import { AwsError, toValidationError } from './aws-error.ts';

const MAX_ENTRIES = 10;
const MAX_REQUEST_BYTES = 262_144;
const TIME_BYTES = 14;

export interface PutEventsRequestEntry {
  Source?: string | undefined;
  DetailType?: string | undefined;
  Detail?: string | undefined;
  EventBusName?: string | undefined;
  Resources?: readonly string[] | undefined;
  Time?: Date | undefined;
}

export interface PutEventsRequest {
  Entries: readonly PutEventsRequestEntry[];
}

export interface PutEventsResultEntry {
  EventId?: string;
  ErrorCode?: string;
  ErrorMessage?: string;
}

export interface PutEventsResponse {
  FailedEntryCount: number;
  Entries: PutEventsResultEntry[];
}

/** An event as a rule on its bus would see it. */
export interface AcceptedEvent {
  id: string;
  source: string;
  detailType: string;
  detail: Record<string, unknown>;
  eventBusName: string;
  time: Date;
}

/** Amazon EventBridge in memory: `PutEvents`, its limits, and the failures of single entries inside an answer of 200. */
export class EventBridge {
  readonly #now: () => number;
  readonly #eventBusNames: ReadonlySet<string>;
  /** Received events, oldest first. */
  readonly events: AcceptedEvent[] = [];

  constructor(options: { now: () => number; eventBusNames?: readonly string[] }) {
    this.#now = options.now;
    this.#eventBusNames = new Set(['default', ...(options.eventBusNames ?? [])]);
  }

  putEvents({ Entries }: PutEventsRequest): PutEventsResponse {
    if (Entries.length < 1) throw toValidationError('entries', 'Member must have length greater than or equal to 1');
    if (Entries.length > MAX_ENTRIES) {
      throw toValidationError('entries', `Member must have length less than or equal to ${MAX_ENTRIES}`);
    }
    if (sizeOf(Entries) > MAX_REQUEST_BYTES) {
      throw new AwsError('ValidationException', 'Total size of the entries in the request is over the limit.');
    }
    const results = Entries.map((entry) => this.#put(entry));
    return { FailedEntryCount: results.filter((result) => result.ErrorCode !== undefined).length, Entries: results };
  }

  #put({
    Source: source,
    DetailType: detailType,
    Detail,
    EventBusName,
    Time,
  }: PutEventsRequestEntry): PutEventsResultEntry {
    if (source === undefined || source === '') return toMissing('Source');
    if (detailType === undefined || detailType === '') return toMissing('DetailType');
    if (Detail === undefined || Detail === '') return toMissing('Detail');
    if (source.startsWith('aws.')) {
      return { ErrorCode: 'NotAuthorizedForSourceException', ErrorMessage: 'Not authorized for the source.' };
    }
    const detail = toObject(Detail);
    if (detail === undefined) return { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' };
    const id = randomUUID();
    const eventBusName = toBusName(EventBusName ?? 'default');
    // Like AWS: a bus that does not exist accepts the event and drops it.
    if (this.#eventBusNames.has(eventBusName)) {
      this.events.push({ id, source, detailType, detail, eventBusName, time: Time ?? new Date(this.#now()) });
    }
    return { EventId: id };
  }
}

function toMissing(name: string): PutEventsResultEntry {
  const message = `Parameter ${name} is not valid. Reason: ${name} is a required argument.`;
  return { ErrorCode: 'InvalidArgument', ErrorMessage: message };
}

function toObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** `EventBusName` may be an ARN: `arn:aws:events:<Region>:<account>:event-bus/<name>`. */
function toBusName(nameOrArn: string): string {
  return nameOrArn.slice(nameOrArn.lastIndexOf('/') + 1);
}

/** "Calculating PutEvents event entry size" of the EventBridge user guide. */
function sizeOf(entries: readonly PutEventsRequestEntry[]): number {
  let size = 0;
  for (const { Source = '', DetailType = '', Detail = '', Resources = [], Time } of entries) {
    size += Time === undefined ? 0 : TIME_BYTES;
    for (const text of [Source, DetailType, Detail, ...Resources]) size += Buffer.byteLength(text);
  }
  return size;
}
