import * as z from 'zod';
import { parseScript, script } from '../support/script.ts';
import { isStraceUsable, killAtEveryWrite, NOT_RECOVERED, type ServerKind } from './crash-points.ts';

const KINDS: readonly ServerKind[] = ['rotation', 'grace', 'no-rotation'];

parseScript(
  script('npm run crash-points --', 'Kills the bundle at each write system call of a refresh.'),
  z.object({}),
);
if (isStraceUsable()) {
  for (const kind of KINDS) await print(kind);
} else {
  console.error(
    'Cannot trace system calls: strace is not installed or not permitted. On Debian: apt-get install strace.',
  );
  process.exitCode = 2;
}

async function print(kind: ServerKind): Promise<void> {
  const points = (await killAtEveryWrite(kind)).filter(({ isKilled }) => isKilled);
  const lost = points.filter(({ next }) => next === NOT_RECOVERED);
  const names = lost.map(({ write }) => write).join(', ');
  console.log(
    `${kind}: killed at ${points.length} writes, ${points.length - lost.length} recovered, ${lost.length} needed a new authorization${names && ` (${names})`}`,
  );
}
