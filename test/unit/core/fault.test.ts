import { expect, test } from 'vitest';
import { Fault, nameOf } from '../../../lambda/core/fault.ts';

test('a fault has its code as name, even for a runtime that logs the name of the class', () => {
  const fault = new Fault('STORE_DENIED', 'What to do.');
  expect(fault).toBeInstanceOf(Error);
  expect([fault.name, fault.message, fault.constructor.name]).toEqual(['STORE_DENIED', 'What to do.', 'STORE_DENIED']);
});

test('a fault can quote no secret: it has no cause, and its code is the only own member', () => {
  const fault = new Fault('STORE_DENIED', 'What to do.');
  expect(fault.cause).toBeUndefined();
  expect(Object.keys(fault)).toEqual(['name']);
});

test.each<[unknown, string]>([
  [new TypeError('P1ANTED'), 'TypeError'],
  [new Fault('STORE_DENIED', 'P1ANTED'), 'STORE_DENIED'],
  ['P1ANTED', 'string'],
  [{ name: 'P1ANTED' }, 'object'],
  [undefined, 'undefined'],
])('only the name or type of a thrown value is returned, and none of its contents: %s', (thrown, name) => {
  expect(nameOf(thrown)).toBe(name);
});
