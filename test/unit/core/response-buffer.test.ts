import { expect, test, vi } from 'vitest';
import { RESPONSE_MAX_BYTES, ResponseBuffer } from '../../../lambda/core/response-buffer.ts';

test('keeps a body of the maximum size whole', () => {
  const buffer = new ResponseBuffer();
  buffer.add(Buffer.alloc(RESPONSE_MAX_BYTES, 'a'));
  expect(buffer.isTruncated).toBe(false);
  expect(buffer.toBytes()).toHaveLength(RESPONSE_MAX_BYTES);
});

test('does not hold more chunks, however many come after the maximum size', () => {
  const buffer = new ResponseBuffer();
  const chunk = Buffer.alloc(RESPONSE_MAX_BYTES, 'a');
  for (let count = 0; count < 9; count++) buffer.add(chunk);
  const concat = vi.spyOn(Buffer, 'concat');
  buffer.toBytes();
  expect(concat.mock.calls[0]?.[0]).toHaveLength(2);
  concat.mockRestore();
});

test('keeps the first bytes of a longer body, and drops every chunk after that', () => {
  const buffer = new ResponseBuffer();
  buffer.add(Buffer.alloc(RESPONSE_MAX_BYTES, 'a'));
  for (const text of ['b', 'c', 'd']) buffer.add(Buffer.from(text));
  expect(buffer.isTruncated).toBe(true);
  expect(Buffer.from(buffer.toBytes()).includes('b')).toBe(false);
  expect(buffer.toBytes()).toHaveLength(RESPONSE_MAX_BYTES);
});
