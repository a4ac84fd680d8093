import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkSaboteur, isInSimulation } from '../simulation/sabotage.ts';
import { SABOTEURS } from '../simulation/saboteurs.ts';
import { ROOT } from './documents.ts';

test('every saboteur changes source that exists, and names a test that exists', async () => {
  await Promise.all(SABOTEURS.map(checkSaboteur));
  expect(new Set(SABOTEURS.map(({ mistake }) => mistake)).size).toBe(SABOTEURS.length);
});

test('a saboteur whose source has changed is an error', async () => {
  const patches = [{ file: 'core/record.ts', find: 'no line of this file', replace: '' }];
  const saboteur = { mistake: '', patches, caughtBy: { breaks: [], within: 1 } };
  await expect(checkSaboteur(saboteur)).rejects.toThrow('core/record.ts');
});

test('the documents say how many saboteurs there are, and which ones unit tests catch', () => {
  const [proof = '', page = ''] = ['proof', 'saboteurs'].map((name) =>
    readFileSync(join(ROOT, `docs/${name}.md`), 'utf8'),
  );
  const rows = SABOTEURS.flatMap(({ mistake, caughtBy }) =>
    isInSimulation(caughtBy) ? [] : [`- ${mistake}: \`${caughtBy.file}\``],
  );
  expect(page).toContain(`\n${rows.join('\n')}\n`);
  expect(proof).toContain(`: ${SABOTEURS.length} protocols with one mistake each`);
  expect(proof).toContain(`The simulation catches ${SABOTEURS.length - rows.length} of them`);
});
