import type { EventBridgeClientConfig } from '@aws-sdk/client-eventbridge';
import { EVENT_DETAIL_TYPES, EVENT_SOURCE } from '../contract.ts';
import { LOG_EVENTS } from '../core/log-events.ts';
import type { Announcement, EventPublisher, Telemetry } from '../core/ports.ts';
import { describeAwsError } from './describe-aws-error.ts';
import type { PutEvents } from './put-events.ts';

/** Schema version of `detail`; incremented when a member is removed or changes its meaning. */
const DETAIL_VERSION = '1';

/** Limit for one call, including the SDK's retries. */
const CALL_TIMEOUT_MS = 7_000;

/** Publishes all events of one change with one PutEvents call. A failure to publish never fails a stored refresh. */
export class EventBridgePublisher implements EventPublisher {
  readonly #clientOptions: EventBridgeClientConfig;
  #putEvents: PutEvents | undefined;
  readonly #eventBusName: string;
  readonly #telemetry: Telemetry;

  constructor(clientOptions: EventBridgeClientConfig, eventBusName: string, telemetry: Telemetry) {
    this.#clientOptions = clientOptions;
    this.#eventBusName = eventBusName;
    this.#telemetry = telemetry;
  }

  async publish(announcements: readonly Announcement[]): Promise<void> {
    const entries = announcements.map(({ type, ...detail }) => ({
      EventBusName: this.#eventBusName,
      Source: EVENT_SOURCE,
      DetailType: EVENT_DETAIL_TYPES[type],
      Detail: JSON.stringify({ version: DETAIL_VERSION, ...detail }),
    }));
    try {
      // Loaded only to publish: most runs find a fresh token, and end before that.
      this.#putEvents ??= (await import('./put-events.ts')).connectPutEvents(this.#clientOptions);
      const { Entries = [] } = await this.#putEvents(entries, AbortSignal.timeout(CALL_TIMEOUT_MS));
      // PutEvents returns 200 even if it accepted no event.
      for (const { ErrorCode } of Entries) {
        if (ErrorCode !== undefined) this.#telemetry.warn(LOG_EVENTS.eventRejected, { reason: ErrorCode });
      }
    } catch (error) {
      this.#telemetry.warn(LOG_EVENTS.eventsNotPublished, {
        reason: describeAwsError(error, CALL_TIMEOUT_MS / 1000).what,
      });
    }
  }
}
