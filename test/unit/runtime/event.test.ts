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
])('accepts %j', (event, action) => {
  expect(parseEvent(event)).toEqual(action);
});

describe('rejects any other event as EVENT_INVALID, with the mistake and the valid events:', () => {
  test.each<[unknown, string]>([
    ['P1ANTED', 'object'],
    [7, 'object'],
    [false, 'object'],
    [[], 'object'],
    [{ force: true }, 'action'],
    [{ action: 'P1ANTED' }, 'action'],
    [{ action: null }, 'action'],
    [{ action: 'refresh', force: 'P1ANTED' }, 'force'],
    [{ action: 'refresh', force: null }, 'force'],
    [{ action: 'refresh', trigger: 'P1ANTED' }, 'trigger'],
    [{ action: 'status', trigger: 'schedule' }, 'trigger'],
    [{ action: 'refresh', secretId: 'P1ANTED' }, 'secretId'],
    [{ action: 'refresh', a: 1, b: 2 }, 'a, b'],
    [{ action: 'refresh', force: 1, c: 3 }, 'force'],
    [{ action: 'status', force: true }, 'force'],
    [{ ...CLASSIC, source: 'P1ANTED' }, 'action'],
    [{ 'detail-type': 'Scheduled Event' }, 'action'],
  ])('%j', (event, what) => {
    const { name, message } = faultOf(() => parseEvent(event));
    expect(name).toBe('EVENT_INVALID');
    expect(message).toMatch(new RegExp(`^[^{]*\\b${what}\\b.*{"action":"refresh"}`));
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
