import { test } from 'vitest';
import { expectAllKept } from './many-secrets.ts';

test('a fleet of 300 secrets has each token fresh after one sweep; broken secrets stop none, and are told apart', () =>
  expectAllKept(300));
