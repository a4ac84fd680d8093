import { expect, test } from 'vitest';
import { fingerprint, sha256 } from '../../../lambda/core/fingerprint.ts';

test('is the first 12 hex characters of the SHA-256 (FIPS 180-2, "abc")', () => {
  expect(sha256('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  expect(fingerprint('abc')).toBe('ba7816bf8f01');
});

test('hashes the UTF-8 bytes', () => {
  expect(fingerprint('é')).toBe('4a99557e4033');
});
