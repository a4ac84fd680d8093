import { expect, test } from 'vitest';
import { Fault, nameOf } from '../../../lambda/core/fault.ts';

test('a fault is known by its code, also to a runtime that logs the name of its class', () => {
  const fault = new Fault('STORE_DENIED', 'What to do.');
  expect(fault).toBeInstanceOf(Error);
  expect([fault.name, fault.message, fault.constructor.name]).toEqual(['STORE_DENIED', 'What to do.', 'STORE_DENIED']);
});

test('a fault has nothing that could quote a secret: no cause, and its code as the one own member', () => {
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
])('of what was thrown its name or type is said, and nothing that it holds: %s', (thrown, name) => {
  expect(nameOf(thrown)).toBe(name);
});
