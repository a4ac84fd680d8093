import { expect, test } from 'vitest';
import { Fault } from '../../../lambda/core/fault.ts';
import { Memories } from '../../../lambda/fleet/memories.ts';
import { CREDENTIALS, NOW_MS, toDocumentEntry } from '../../support/secret-documents.ts';

const UNSAVED = {
  parent: toDocumentEntry(CREDENTIALS),
  tokens: {},
  askedAtMs: NOW_MS,
  fault: new Fault('TOKEN_NOT_STORED', ''),
};
const MINUTE_MS = 60_000;

function run(memories: Memories, secretId: string, atMs: number, isStored: boolean): void {
  memories.open(secretId, atMs).unsaved = isStored ? undefined : UNSAVED;
  memories.close(secretId);
}

test('a secret whose answer is stored is forgotten', () => {
  const memories = new Memories();
  const memory = memories.open('one', NOW_MS);
  memories.close('one');
  expect(memories.open('one', NOW_MS)).not.toBe(memory);
  expect(memories.next(NOW_MS + MINUTE_MS * 60)).toBe('one');
});

test('a run that ended before it began leaves nothing', () => {
  const memories = new Memories();
  memories.close('one');
  expect(memories.next(NOW_MS)).toBeUndefined();
});

test('an answer that is not stored is there for the next run of its secret, and of no other', () => {
  const memories = new Memories();
  run(memories, 'one', NOW_MS, false);
  expect(memories.open('one', NOW_MS).unsaved).toBe(UNSAVED);
  expect(memories.open('two', NOW_MS).unsaved).toBeUndefined();
});

test('it is tried again a minute after the last try, the one that waited longest first', () => {
  const memories = new Memories();
  expect(memories.next(NOW_MS)).toBeUndefined();
  run(memories, 'two', NOW_MS + 1, false);
  run(memories, 'one', NOW_MS, false);
  expect(memories.next(NOW_MS + MINUTE_MS - 1)).toBeUndefined();
  expect(memories.next(NOW_MS + MINUTE_MS)).toBe('one');
  run(memories, 'one', NOW_MS + MINUTE_MS, false);
  expect(memories.next(NOW_MS + MINUTE_MS + 1)).toBe('two');
  run(memories, 'two', NOW_MS + MINUTE_MS + 1, true);
  expect(memories.next(NOW_MS + MINUTE_MS + 2)).toBeUndefined();
});
