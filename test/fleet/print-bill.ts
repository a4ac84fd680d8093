import { renderPrices } from './prices.ts';
import { measureFleets, renderBill } from './render-bill.ts';

console.log(`${renderBill(await measureFleets())}\n\n${renderPrices()}`);
