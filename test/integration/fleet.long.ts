import { test } from 'vitest';
import { expectAllKept } from './many-secrets.ts';

test('a fleet of 300 secrets has only fresh tokens after one sweep, and damaged secrets are reported without stopping others', () =>
  expectAllKept(300));
