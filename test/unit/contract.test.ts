import { describe, expect, test } from 'vitest';
import { ALARM_KINDS, findAlarmKind, hasTag, isSameSecret, parseJson, toRunbookEntry } from '../../lambda/contract.ts';

const ARN = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:team/retently-AbCdEf';

describe('two ids can name one secret', () => {
  test.each([
    ['the same name', 'team/retently', 'team/retently', true],
    ['the same ARN', ARN, ARN, true],
    ['an ARN and its name', ARN, 'team/retently', true],
    ['a name and its ARN', 'team/retently', ARN, true],
    ['another name', 'team/retently', 'retently', false],
    ['an ARN and the end of its name', ARN, 'retently', false],
    ['an ARN and a name with the same beginning', ARN, 'team/retently-AbCdEf', false],
    ['ARNs of one name in two accounts', ARN, ARN.replace('123456789012', '210987654321'), false],
    ['ARNs of one name, deleted and created again', ARN, ARN.replace('AbCdEf', 'FeDcBa'), false],
  ])('%s: %s, %s', (_what, one, other, isSame) => {
    expect(isSameSecret(one, other)).toBe(isSame);
  });
});

describe('tags make a secret one of a fleet', () => {
  const tags = new Map([['retently', 'live']]);

  test.each([
    ['the key, any value', { key: 'retently', value: undefined }, true],
    ['the key and the value', { key: 'retently', value: 'live' }, true],
    ['the key with another value', { key: 'retently', value: 'test' }, false],
    ['another key', { key: 'Retently', value: undefined }, false],
  ])('%s', (_what, tag, isMember) => {
    expect(hasTag(tags, tag)).toBe(isMember);
  });
});

test('parseJson returns undefined for a text that is not JSON, and throws nothing that quotes it', () => {
  expect(parseJson('{"a":[1,null]}')).toEqual({ a: [1, null] });
  expect(parseJson('P1ANTED')).toBeUndefined();
  expect(parseJson('')).toBeUndefined();
});

test('the kind of an alarm is the id at the end of its logical id, before the eight hex digits of CDK', () => {
  for (const kind of ALARM_KINDS) expect(findAlarmKind(`RetentlyAlarms${kind}0A1B2C3D`)).toBe(kind);
  expect(findAlarmKind('RetentlyAlarmsAnother0A1B2C3D')).toBeUndefined();
  expect(findAlarmKind('QueueOldAlarmsOfAnotherConstruct0A1B2C3D')).toBeUndefined();
});

test.each([
  ['STORE_DENIED', 'docs/runbook.md#store-denied'],
  ['TokenOverdue', 'docs/runbook.md#token-overdue'],
  ['ManyTokensOverdue', 'docs/runbook.md#token-overdue'],
])('the runbook entry for %s is %s', (name, entry) => {
  expect(toRunbookEntry(name)).toBe(entry);
});
