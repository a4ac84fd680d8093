import { parseArgs } from 'node:util';
import * as z from 'zod';
import { DEPLOYED } from './deployed-fleet.ts';
import { toCounts, toPromises } from './fleet-promises.ts';
import { FleetSimulation } from './simulate-fleet.ts';

const { values } = parseArgs({
  options: {
    secrets: { type: 'string', default: '10000' },
    days: { type: 'string', default: '3' },
    seed: { type: 'string', default: '1' },
    concurrency: { type: 'string', default: String(DEPLOYED.maximumConcurrency) },
    tick: { type: 'string', default: String(DEPLOYED.tickMinutes) },
    order: { type: 'string', default: 'changed' },
    'outage-from-day': { type: 'string', default: '1' },
    /** One of the four, instead of all. */
    outage: { type: 'string' },
  },
});
const TITLES = {
  none: 'no outage',
  function: 'a day without the function',
  provider: 'a day without the provider',
  answers: 'a day in which it never answers',
} as const;
const OUTAGES = ['none', 'function', 'provider', 'answers'] as const;
const { outage, ...options } = z
  .object({
    secrets: z.coerce.number().int().positive(),
    days: z.coerce.number().positive(),
    seed: z.coerce.number().int(),
    concurrency: z.coerce.number().int().positive(),
    tickMinutes: z.coerce.number().positive(),
    order: z.enum(['created', 'changed']),
    outageFromDay: z.coerce.number().nonnegative(),
    outage: z.enum(OUTAGES).optional(),
  })
  .parse({ ...values, tickMinutes: values.tick, outageFromDay: values['outage-from-day'] });

const outages = outage === undefined ? OUTAGES : [outage];
const simulations: FleetSimulation[] = [];
for (const of of outages) simulations.push(await new FleetSimulation({ ...options, outage: of }).run());
const promises = simulations.map(toPromises);

printRow(['', ...outages.map((of) => TITLES[of]), 'at most']);
printRow(['---', ...outages.map(() => '---:'), '---:']);
printRows(simulations.map(toCounts));
printRows(promises, (row) => round(row.most));

const broken = promises.flat().filter(({ actual, most }) => actual > most);
for (const { name, actual, most } of broken) console.error(`Broken: ${name} is ${round(actual)}, not at most ${most}`);
if (broken.length > 0) process.exitCode = 1;

function printRows<Row extends { name: string; actual: number }>(
  columns: readonly (readonly Row[])[],
  limitOf: (row: Row) => string = () => '',
): void {
  for (const [index, row] of (columns[0] ?? []).entries()) {
    printRow([row.name, ...columns.map((column) => round(column[index]?.actual ?? Number.NaN)), limitOf(row)]);
  }
}

function printRow(cells: readonly string[]): void {
  console.log(`| ${cells.join(' | ')} |`);
}

/** Rates to a hundredth; seconds that are over, upwards, so that no 0.4 passes for nothing. */
function round(value: number): string {
  return value < 10 ? String(Math.ceil(value * 100) / 100) : String(Math.ceil(value));
}
