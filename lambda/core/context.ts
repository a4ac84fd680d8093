import type { TokenMembers } from './credentials.ts';
import type { Fault } from './fault.ts';
import type { DocumentEntry } from './journal.ts';
import type { CredentialStore, EventPublisher, Runtime, Telemetry, TokenEndpoint, TokenSecret } from './ports.ts';

export interface Settings {
  /** ARN or name, for messages and events. */
  readonly secretId: string;
  readonly tokenEndpointUrl: string;
  readonly defaultTokenLifetimeSeconds: number;
  readonly leaseSeconds: number;
  /** Longest time from one tick to the next: interval and flexible window. */
  readonly scheduleSeconds: number;
  /** JSON text of the event that forces a refresh of this secret, for advice to people. */
  readonly forceEvent: string;
}

/** An answer that is not recorded yet, or could not be. */
export interface PendingAnswer {
  readonly parent: DocumentEntry;
  readonly tokens: TokenMembers;
  /** Time just before the POST that was answered, in milliseconds since the epoch. */
  readonly askedAtMs: number;
  /** Attempt that was answered, or a later one that this execution environment claimed to keep other runs from sending the token. */
  readonly attempt: number;
  /** Reason why the answer is not stored yet. */
  readonly fault: Fault;
}

/** State that the next run in this execution environment finds. */
export interface Memory {
  pendingAnswer?: PendingAnswer | undefined;
}

/** Everything that one run works with. `memory` outlives the run; `runtime` belongs to it. */
export interface Context {
  readonly settings: Settings;
  readonly store: CredentialStore;
  /** Absent if consumers read the credentials secret directly. */
  readonly tokenSecret?: TokenSecret | undefined;
  readonly tokenEndpoint: TokenEndpoint;
  readonly events: EventPublisher;
  readonly telemetry: Telemetry;
  readonly runtime: Runtime;
  readonly memory: Memory;
}
