import { writeFileSync } from 'node:fs';
import { drawDay } from './draw-day.ts';
import { liveADay } from './live-a-day.ts';
import { OUTAGE, PLOT } from './outage.ts';

writeFileSync(PLOT, drawDay(await liveADay(OUTAGE), OUTAGE));
process.stdout.write('Written: docs/bearer-token.svg\n');
