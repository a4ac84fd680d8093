import { EventBridgeClient, PutEventsCommand, type PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { type Aws, startAws } from './aws-server.ts';

const ENTRY = { Source: 'retently.token-refresh', DetailType: 'Retently Token Refreshed', Detail: '{"version":1}' };

vi.stubEnv('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', 'true');

let aws: Aws;
let client: EventBridgeClient;

beforeAll(async () => {
  aws = await startAws({ now: () => Date.UTC(2026, 10, 22), eventBusNames: ['retently'] });
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  client = new EventBridgeClient({ endpoint: aws.url, region: 'us-east-1', credentials, maxAttempts: 1 });
});

afterAll(async () => {
  await aws.close();
});

beforeEach(() => {
  aws.eventBridge.events.length = 0;
});

function putEvents(...entries: PutEventsRequestEntry[]) {
  return client.send(new PutEventsCommand({ Entries: entries }));
}

test('records received events by bus', async () => {
  const EventBusName = 'arn:aws:events:us-east-1:000000000000:event-bus/retently';
  await putEvents(ENTRY, { ...ENTRY, EventBusName, Time: new Date(1_000) });
  const event = { source: ENTRY.Source, detailType: ENTRY.DetailType, detail: { version: 1 } };
  expect(aws.eventBridge.events).toMatchObject([
    { ...event, eventBusName: 'default', time: new Date(Date.UTC(2026, 10, 22)) },
    { ...event, eventBusName: 'retently', time: new Date(1_000) },
  ]);
});

test('rejects entries one by one, and answers 200', async () => {
  const answer = await putEvents(
    { ...ENTRY, Source: 'aws.retently' },
    ENTRY,
    { ...ENTRY, Detail: '"text"' },
    { ...ENTRY, Detail: '{' },
    { Source: ENTRY.Source, Detail: ENTRY.Detail },
  );
  expect(answer.$metadata.httpStatusCode).toBe(200);
  expect(answer.FailedEntryCount).toBe(4);
  expect(answer.Entries?.map(({ ErrorCode }) => ErrorCode)).toEqual([
    'NotAuthorizedForSourceException',
    undefined,
    'MalformedDetail',
    'MalformedDetail',
    'InvalidArgument',
  ]);
  expect(aws.eventBridge.events).toHaveLength(1);
});

test('swallows an event for a bus that does not exist, as AWS does', async () => {
  const answer = await putEvents({ ...ENTRY, EventBusName: 'nowhere' });
  expect(answer.FailedEntryCount).toBe(0);
  expect(aws.eventBridge.events).toEqual([]);
});

test('takes 1 to 10 entries, and no more than 256 KB in all', async () => {
  const refusal = { name: 'ValidationException' };
  await expect(putEvents()).rejects.toMatchObject(refusal);
  await expect(putEvents(...Array.from({ length: 11 }, () => ENTRY))).rejects.toMatchObject(refusal);
  const half = { ...ENTRY, Detail: JSON.stringify({ padding: 'x'.repeat(131_072) }) };
  await expect(putEvents(half, half)).rejects.toMatchObject(refusal);
  expect(aws.eventBridge.events).toEqual([]);
});

test('a policy sees the ARN of the bus', async () => {
  const resources: string[] = [];
  await using guarded = await startAws({
    authorize({ action, resource }) {
      resources.push(`${action} ${resource}`);
      return false;
    },
  });
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const denied = new EventBridgeClient({ endpoint: guarded.url, region: 'us-east-1', credentials, maxAttempts: 1 });
  await expect(denied.send(new PutEventsCommand({ Entries: [ENTRY] }))).rejects.toMatchObject({
    name: 'AccessDeniedException',
  });
  expect(resources).toEqual(['events:PutEvents arn:aws:events:us-east-1:000000000000:event-bus/default']);
});
