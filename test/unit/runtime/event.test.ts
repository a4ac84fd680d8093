import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseEvent } from '../../../lambda/runtime/event.ts';
import { faultOf } from '../../support/fault-of.ts';

const IF_DUE = { action: 'refresh', force: false };
const CLASSIC = {
  version: '0',
  id: '53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa',
  'detail-type': 'Scheduled Event',
  source: 'aws.events',
  account: '123456789012',
  time: '2026-11-22T12:00:00Z',
  region: 'us-east-1',
  resources: ['arn:aws:events:us-east-1:123456789012:rule/tick'],
  detail: {},
};

test.each<[unknown, object]>([
  [undefined, IF_DUE],
  [null, IF_DUE],
  [{}, IF_DUE],
  [CLASSIC, IF_DUE],
  [{ action: 'refresh' }, IF_DUE],
  [{ action: 'refresh', force: false }, IF_DUE],
  [
    { action: 'refresh', force: true },
    { action: 'refresh', force: true },
  ],
  [
    { action: 'refresh', trigger: 'schedule' },
    { ...IF_DUE, isScheduled: true },
  ],
  [{ action: 'status' }, { action: 'status' }],
])('%j is accepted', (event, action) => {
  expect(parseEvent(event)).toEqual(action);
});

describe('anything else is EVENT_INVALID, with what is wrong and what is accepted', () => {
  test.each<[unknown, string]>([
    ['P1ANTED', 'it is not of type object'],
    [7, 'it is not of type object'],
    [false, 'it is not of type object'],
    [[], 'it is not of type object'],
    [{ force: true }, 'action is neither "refresh" nor "status"'],
    [{ action: 'P1ANTED' }, 'action is neither "refresh" nor "status"'],
    [{ action: null }, 'action is neither "refresh" nor "status"'],
    [{ action: 'refresh', force: 'P1ANTED' }, 'force is not of type boolean'],
    [{ action: 'refresh', force: null }, 'force is not of type boolean'],
    [{ action: 'refresh', trigger: 'P1ANTED' }, 'trigger is not "schedule"'],
    [{ action: 'status', trigger: 'schedule' }, 'unknown member trigger'],
    [{ action: 'refresh', secretId: 'P1ANTED' }, 'unknown member secretId'],
    [{ action: 'refresh', a: 1, b: 2 }, 'unknown member a, b'],
    [{ action: 'refresh', force: 1, c: 3 }, 'force is not of type boolean; unknown member c'],
    [{ action: 'status', force: true }, 'unknown member force'],
    [{ ...CLASSIC, source: 'P1ANTED' }, 'action is neither "refresh" nor "status"'],
    [{ 'detail-type': 'Scheduled Event' }, 'action is neither "refresh" nor "status"'],
  ])('%j', (event, what) => {
    const { name, message } = faultOf(() => parseEvent(event));
    expect(name).toBe('EVENT_INVALID');
    expect(message).toContain(`The event is not accepted: ${what}. {}, {"action":"refresh"}`);
    expect(message).toMatch(/are accepted\. Nothing was read or sent\.$/);
    expect(message).not.toContain('P1ANTED');
  });
});

test('any JSON value is an action or EVENT_INVALID', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (event) => {
      const isEmpty = event === null || JSON.stringify(event) === '{}';
      if (isEmpty) expect(parseEvent(event)).toEqual(IF_DUE);
      else expect(faultOf(() => parseEvent(event)).name).toBe('EVENT_INVALID');
    }),
  );
});
