import * as z from 'zod';
import { parseScript, script, wholeNumber } from '../support/script.ts';
import { renderPrices } from './prices.ts';
import { ACCOUNTS, measureFleets, renderBill } from './render-bill.ts';

const { secrets } = parseScript(
  script('npm run fleet:bill --', 'Prints the costs of a fleet, and the AWS prices behind them.').option(
    '--secrets <n>',
    `how many accounts (default: ${ACCOUNTS.join(', ')})`,
    wholeNumber(1),
  ),
  z.object({ secrets: z.number().optional() }),
);
const accounts = secrets === undefined ? ACCOUNTS : [secrets];
console.log(`${renderBill(await measureFleets(), accounts)}\n\n${renderPrices()}`);
