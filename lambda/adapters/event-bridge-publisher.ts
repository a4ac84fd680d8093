import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { EVENT_DETAIL_TYPES, EVENT_SOURCE } from '../contract.ts';
import type { Announcement, EventPublisher, Telemetry } from '../core/ports.ts';
import { describeAwsError } from './describe-aws-error.ts';

/** Schema version of `detail`; incremented when a member goes or changes its meaning. */
const DETAIL_VERSION = '1';

/** All of one call: an announcement must not outlast its run. */
const CALL_TIMEOUT_MS = 7_000;

/** One PutEvents for what one change has to say. An announcement that fails never fails a saved refresh. */
export class EventBridgePublisher implements EventPublisher {
  readonly #client: EventBridgeClient;
  readonly #eventBusName: string;
  readonly #secretId: string;
  readonly #telemetry: Telemetry;

  constructor(client: EventBridgeClient, eventBusName: string, secretId: string, telemetry: Telemetry) {
    this.#client = client;
    this.#eventBusName = eventBusName;
    this.#secretId = secretId;
    this.#telemetry = telemetry;
  }

  async publish(announcements: readonly Announcement[]): Promise<void> {
    const entries = announcements.map(({ type, ...detail }) => ({
      EventBusName: this.#eventBusName,
      Source: EVENT_SOURCE,
      DetailType: EVENT_DETAIL_TYPES[type],
      Detail: JSON.stringify({ version: DETAIL_VERSION, secretId: this.#secretId, ...detail }),
    }));
    try {
      const abortSignal = AbortSignal.timeout(CALL_TIMEOUT_MS);
      const { Entries = [] } = await this.#client.send(new PutEventsCommand({ Entries: entries }), { abortSignal });
      // PutEvents answers 200 although it took none; its entries are told apart by their place alone.
      for (const { ErrorCode } of Entries) {
        if (ErrorCode !== undefined) this.#telemetry.warn('EventBridge did not take an event', { reason: ErrorCode });
      }
    } catch (error) {
      this.#telemetry.warn('Could not publish events', {
        reason: describeAwsError(error, CALL_TIMEOUT_MS / 1000).what,
      });
    }
  }
}
