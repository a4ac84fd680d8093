import { Option } from 'commander';
import * as z from 'zod';
import { parseScript, positiveNumber, script, wholeNumber } from '../support/script.ts';
import { DEPLOYED } from './deployed-fleet.ts';
import { toCounts, toPromises } from './fleet-promises.ts';
import { FleetSimulation } from './simulate-fleet.ts';

const TITLES = {
  none: 'no outage',
  function: 'a day without the function',
  provider: 'a day without the provider',
  answers: 'a day in which it never answers',
} as const;
const OUTAGES = ['none', 'function', 'provider', 'answers'] as const;
const { maximumConcurrency, tickMinutes } = DEPLOYED;
const COMMAND = script(
  'npm run fleet:simulate --',
  'Plays a fleet of many secrets on a virtual clock, and checks its promises.',
)
  .option('--secrets <n>', 'how many secrets', wholeNumber(1), 10_000)
  .option('--days <days>', 'how long', positiveNumber, 3)
  .option('--seed <n>', 'of the choices', wholeNumber(), 1)
  .option('--concurrency <n>', 'how many runs at the same time', wholeNumber(1), maximumConcurrency)
  .option('--tick <minutes>', 'interval of the schedule', positiveNumber, tickMinutes)
  .addOption(new Option('--order <order>', 'order of the sweep').choices(['created', 'changed']).default('changed'))
  .option('--outage-from-day <day>', 'when the outage begins', positiveNumber, 1)
  .addOption(new Option('--outage <kind>', 'one kind of outage (default: all)').choices(OUTAGES));
const OPTIONS = z
  .object({
    secrets: z.number(),
    days: z.number(),
    seed: z.number(),
    concurrency: z.number(),
    tick: z.number(),
    order: z.enum(['created', 'changed']),
    outageFromDay: z.number(),
    outage: z.enum(OUTAGES).optional(),
  })
  .transform(({ tick, ...options }) => ({ ...options, tickMinutes: tick }));
const { outage, ...options } = parseScript(COMMAND, OPTIONS);

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
