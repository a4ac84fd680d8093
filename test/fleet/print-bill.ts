import * as z from 'zod';
import { parseScript, script } from '../support/script.ts';
import { renderPrices } from './prices.ts';
import { measureFleets, renderBill } from './render-bill.ts';

parseScript(
  script('npm run fleet:bill --', 'Prints what a fleet costs, and the prices of AWS that this rests on.'),
  z.object({}),
);
console.log(`${renderBill(await measureFleets())}\n\n${renderPrices()}`);
