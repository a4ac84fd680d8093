import { expect, test } from 'vitest';
import { Fault } from '../../../lambda/core/fault.ts';
import { PendingAnswers } from '../../../lambda/fleet/pending-answers.ts';
import { CREDENTIALS, NOW_MS, toDocumentEntry } from '../../support/secret-documents.ts';

const PENDING_ANSWER = {
  parent: toDocumentEntry(CREDENTIALS),
  tokens: {},
  askedAtMs: NOW_MS,
  attempt: 0,
  fault: new Fault('TOKEN_NOT_STORED', ''),
};
const MINUTE_MS = 60_000;

function run(pendingAnswers: PendingAnswers, secretId: string, atMs: number, isStored: boolean): void {
  pendingAnswers.open(secretId, atMs).pendingAnswer = isStored ? undefined : PENDING_ANSWER;
  pendingAnswers.close(secretId);
}

test('a secret whose answer is stored is forgotten', () => {
  const pendingAnswers = new PendingAnswers();
  const memory = pendingAnswers.open('one', NOW_MS);
  pendingAnswers.close('one');
  expect(pendingAnswers.open('one', NOW_MS)).not.toBe(memory);
  expect(pendingAnswers.next(NOW_MS + MINUTE_MS * 60)).toBe('one');
});

test('a run that ended before it began leaves nothing', () => {
  const pendingAnswers = new PendingAnswers();
  pendingAnswers.close('one');
  expect(pendingAnswers.next(NOW_MS)).toBeUndefined();
});

test('an answer that is not stored is there for the next run of its secret, and of no other', () => {
  const pendingAnswers = new PendingAnswers();
  run(pendingAnswers, 'one', NOW_MS, false);
  expect(pendingAnswers.open('one', NOW_MS).pendingAnswer).toBe(PENDING_ANSWER);
  expect(pendingAnswers.open('two', NOW_MS).pendingAnswer).toBeUndefined();
});

test('an answer that is given up is neither tried again nor there for the next run of its secret', () => {
  const pendingAnswers = new PendingAnswers();
  run(pendingAnswers, 'one', NOW_MS, false);
  pendingAnswers.forget('one');
  expect(pendingAnswers.next(NOW_MS + MINUTE_MS)).toBeUndefined();
  expect(pendingAnswers.open('one', NOW_MS).pendingAnswer).toBeUndefined();
});

test('it is tried again a minute after the last try, the one that waited longest first', () => {
  const pendingAnswers = new PendingAnswers();
  expect(pendingAnswers.next(NOW_MS)).toBeUndefined();
  run(pendingAnswers, 'two', NOW_MS + 1, false);
  run(pendingAnswers, 'one', NOW_MS, false);
  expect(pendingAnswers.next(NOW_MS + MINUTE_MS - 1)).toBeUndefined();
  expect(pendingAnswers.next(NOW_MS + MINUTE_MS)).toBe('one');
  run(pendingAnswers, 'one', NOW_MS + MINUTE_MS, false);
  expect(pendingAnswers.next(NOW_MS + MINUTE_MS + 1)).toBe('two');
  run(pendingAnswers, 'two', NOW_MS + MINUTE_MS + 1, true);
  expect(pendingAnswers.next(NOW_MS + MINUTE_MS + 2)).toBeUndefined();
});
