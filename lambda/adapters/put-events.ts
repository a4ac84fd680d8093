import {
  EventBridgeClient,
  type EventBridgeClientConfig,
  PutEventsCommand,
  type PutEventsCommandOutput,
  type PutEventsRequestEntry,
} from '@aws-sdk/client-eventbridge';

export type PutEvents = (entries: PutEventsRequestEntry[], abortSignal: AbortSignal) => Promise<PutEventsCommandOutput>;

/** In its own module, so that the bundle has EventBridge's client in a file that a cold start does not read. */
export function connectPutEvents(options: EventBridgeClientConfig): PutEvents {
  const client = new EventBridgeClient(options);
  return (entries, abortSignal) => client.send(new PutEventsCommand({ Entries: entries }), { abortSignal });
}
