import { writeFileSync } from 'node:fs';
import * as z from 'zod';
import { parseScript, script } from '../support/script.ts';
import { drawDay } from './draw-day.ts';
import { liveADay } from './live-a-day.ts';
import { OUTAGE, PLOT } from './outage.ts';

parseScript(
  script('npm run plot --', 'Runs the bundle through a day with an outage, and draws docs/bearer-token.svg.'),
  z.object({}),
);
writeFileSync(PLOT, drawDay(await liveADay(OUTAGE), OUTAGE));
process.stdout.write('Written: docs/bearer-token.svg\n');
