import { describe, expect, test } from 'vitest';
import {
  parseBatch,
  parseMessage,
  parseRequest,
  placeOf,
  renderForceEvent,
  renderMessage,
} from '../../../lambda/fleet/fleet-event.ts';
import { faultOf } from '../../support/fault-of.ts';

const PLACE = { region: 'us-east-1', account: '000000000000' };
const ARN = 'arn:aws:secretsmanager:us-east-1:000000000000:secret:fleet/acme-AbCdEf';
const RECORD = { messageId: 'm-1', body: '{}', eventSource: 'aws:sqs' };

test('the refresh parses the messages of the sweep', () => {
  expect(parseMessage(renderMessage(ARN), PLACE)).toMatchObject({ secretId: ARN, startAtMs: undefined });
  const turn = { startAtMs: 1, endAtMs: 2 };
  expect(parseMessage(renderMessage(ARN, turn), PLACE)).toEqual({ secretId: ARN, ...turn });
});

test('the event that forces a refresh is a request that the function accepts', () => {
  const action = { action: 'refresh', force: true };
  expect(parseRequest(JSON.parse(renderForceEvent(ARN)), PLACE)).toEqual({ secretId: ARN, action });
});

test('a secret can be of another partition of AWS', () => {
  const arn = ARN.replace('arn:aws:', 'arn:aws-us-gov:').replace('us-east-1', 'us-gov-west-1');
  expect(parseMessage(renderMessage(arn), { ...PLACE, region: 'us-gov-west-1' }).secretId).toBe(arn);
});

test('the ARN of a function gives its region and account', () => {
  expect(placeOf('arn:aws:lambda:us-east-1:000000000000:function:sweep')).toEqual(PLACE);
});

test('a text that is not an ARN gives no place, so that no secret matches it', () => {
  expect(placeOf('')).toEqual({ region: '', account: '' });
  expect(faultOf(() => parseMessage(renderMessage(ARN), placeOf(''))).name).toBe('EVENT_INVALID');
});

describe('a batch', () => {
  test('of SQS gives its messages, without other members', () => {
    const record = { ...RECORD, receiptHandle: 'handle', attributes: { SentTimestamp: '0' } };
    expect(parseBatch({ Records: [record] })).toEqual([RECORD]);
  });

  test.each([
    ['no event', undefined],
    ['a request', { action: 'status', secretId: ARN }],
    ['an empty one', { Records: [] }],
    ['of another service', { Records: [{ ...RECORD, eventSource: 'aws:s3' }] }],
  ])('is not %s', (_what, event) => {
    expect(parseBatch(event)).toBeUndefined();
  });
});

describe('rejects a message typed by hand, and does not quote it:', () => {
  test.each([
    ['no JSON', 'P1ANTED'],
    ['a text', '"P1ANTED"'],
    ['nothing', ''],
    ['null', 'null'],
    ['a name instead of an ARN', '{"secretId":"P1ANTED"}'],
    ['an ARN without its end', `{"secretId":"${ARN.slice(0, -7)}"}`],
    ['an ARN with something before it', `{"secretId":"x${ARN}"}`],
    ['an ARN with something behind it', `{"secretId":"${ARN}:x"}`],
    ['additional members', `{"secretId":"${ARN}","force":true,"P1ANTED":1}`],
    ['a list', `[{"secretId":"${ARN}"}]`],
    ['a record of a failed run', '{"version":"1.0","requestContext":{}}'],
  ])('%s', (_what, body) => {
    const { name, message } = faultOf(() => parseMessage(body, PLACE));
    expect(name).toBe('EVENT_INVALID');
    expect(message).not.toContain('P1ANTED');
  });

  test.each([
    ['another region', ARN.replace('us-east-1', 'eu-west-1')],
    ['another AWS account', ARN.replace('000000000000', '111111111111')],
  ])('a secret of %s, and names it', (_what, arn) => {
    const { name, message } = faultOf(() => parseMessage(renderMessage(arn), PLACE));
    expect(name).toBe('EVENT_INVALID');
    expect(message).toContain(arn);
    expect(message).toContain('us-east-1 in 000000000000');
  });

  test('a secret that another AWS service manages, and names it', () => {
    const arn = ARN.replace('fleet/acme', 'rds!cluster-1');
    const { name, message } = faultOf(() => parseMessage(renderMessage(arn), PLACE));
    expect(name).toBe('EVENT_INVALID');
    expect(message).toContain(arn);
  });
});

describe('a request from an operator', () => {
  test('has a secret id, and otherwise the members of an event for one secret', () => {
    expect(parseRequest({ secretId: ARN }, PLACE)).toEqual({
      secretId: ARN,
      action: { action: 'refresh', force: false },
    });
    expect(parseRequest({ secretId: ARN, action: 'refresh', force: true }, PLACE).action).toEqual({
      action: 'refresh',
      force: true,
    });
    expect(parseRequest({ secretId: ARN, action: 'status' }, PLACE).action).toEqual({ action: 'status' });
  });

  test.each([
    ['without a secret', { action: 'status' }, 'secretId'],
    ['that is nothing', undefined, 'secretId'],
    ['with a name instead of an ARN', { secretId: 'P1ANTED' }, 'ARN'],
    ['with an unknown action', { secretId: ARN, action: 'P1ANTED' }, ' action '],
    ['with an unknown member', { secretId: ARN, action: 'status', more: 'P1ANTED' }, ' more'],
    ['for another region', { secretId: ARN.replace('us-east-1', 'eu-west-1') }, 'eu-west-1'],
  ])('%s is rejected', (_what, event, words) => {
    const { name, message } = faultOf(() => parseRequest(event, PLACE));
    expect(name).toBe('EVENT_INVALID');
    expect(message).toContain(words);
    expect(message).not.toContain('P1ANTED');
  });
});
