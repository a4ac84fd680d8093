import { expect, test } from 'vitest';
import { checkSaboteur } from '../simulation/sabotage.ts';
import { SABOTEURS } from '../simulation/saboteurs.ts';

test('every saboteur changes source that exists, and names a test that exists', async () => {
  await Promise.all(SABOTEURS.map(checkSaboteur));
  expect(new Set(SABOTEURS.map(({ mistake }) => mistake)).size).toBe(SABOTEURS.length);
});

test('a saboteur whose source has changed is an error', async () => {
  const patches = [{ file: 'core/record.ts', find: 'no line of this file', replace: '' }];
  const saboteur = { mistake: '', patches, caughtBy: { breaks: [], within: 1 } };
  await expect(checkSaboteur(saboteur)).rejects.toThrow('core/record.ts');
});
