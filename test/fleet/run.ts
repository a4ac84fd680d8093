import { Option } from 'commander';
import * as z from 'zod';
import { parseScript, positiveNumber, script, wholeNumber } from '../support/script.ts';
import { DEPLOYED } from './deployed-fleet.ts';
import { toCounts, toPromises } from './fleet-promises.ts';
import { TROUBLES } from './fleet-server.ts';
import { type FleetOptions, FleetSimulation } from './simulate-fleet.ts';

const TITLES = {
  none: 'no outage',
  provider: 'provider unreachable',
  answers: 'provider never answers',
  mapping: 'mappings disabled',
  throttled: 'function throttled',
  concurrency: 'two runs left',
  emptied: 'queues emptied',
  sweeps: 'no sweep',
} as const satisfies Record<FleetOptions['outage'], string>;
const OUTAGES = ['none', 'provider', 'answers', 'mapping', 'throttled', 'concurrency', 'emptied', 'sweeps'] as const;
const { maximumConcurrency, retryConcurrency, tickMinutes } = DEPLOYED;
const COMMAND = script(
  'npm run fleet:simulate --',
  'Plays a fleet of many secrets on a virtual clock, and checks its promises.',
)
  .option('--secrets <n>', 'how many secrets', wholeNumber(1), 10_000)
  .option('--days <days>', 'how long', positiveNumber, 3)
  .option('--seed <n>', 'of the choices', wholeNumber(), 1)
  .option('--concurrency <n>', 'how many runs at the same time', wholeNumber(1), maximumConcurrency)
  .option(
    '--retry-concurrency <n>',
    'how many runs of failing secrets at the same time',
    wholeNumber(1),
    retryConcurrency,
  )
  .option('--tick <minutes>', 'interval of the schedule', positiveNumber, tickMinutes)
  .addOption(new Option('--outage <kind...>', 'kinds of outage, one column each').choices(OUTAGES).default(['none']))
  .option('--outage-from-day <day>', 'when the outage begins', positiveNumber, 1)
  .option('--outage-hours <hours>', 'duration of the outage', positiveNumber, 24)
  .addOption(new Option('--trouble <kind...>', 'how a share of the accounts fails, from hour 4 on').choices(TROUBLES))
  .option(
    '--percent <n...>',
    'percentage of accounts that fail, one column each',
    (text: string, all: readonly number[] = []) => [...all, wholeNumber(0)(text)],
  )
  .option('--trouble-hours <hours>', 'duration of these failures', positiveNumber, 24);
const OPTIONS = z
  .object({
    secrets: z.number(),
    days: z.number(),
    seed: z.number(),
    concurrency: z.number(),
    retryConcurrency: z.number(),
    tick: z.number(),
    outage: z.array(z.enum(OUTAGES)),
    outageFromDay: z.number(),
    outageHours: z.number(),
    trouble: z.array(z.enum(TROUBLES)).optional(),
    percent: z.array(z.number()).default([20]),
    troubleHours: z.number(),
  })
  .transform(({ tick, ...options }) => ({ ...options, tickMinutes: tick }));
const { outage: outages, trouble: troubles, percent: percents, ...options } = parseScript(COMMAND, OPTIONS);

const scenarios: readonly (Pick<FleetOptions, 'outage' | 'trouble'> & { readonly title: string })[] =
  troubles === undefined
    ? outages.map((outage) => ({ outage, title: TITLES[outage] }))
    : troubles.flatMap((failure) =>
        percents.map((percent) => ({
          outage: 'none' as const,
          trouble: { failure, percent },
          title: `${percent} %: ${failure}`,
        })),
      );
const simulations: FleetSimulation[] = [];
for (const { outage, trouble } of scenarios) {
  simulations.push(await new FleetSimulation({ ...options, outage, trouble }).run());
}
const promises = simulations.map(toPromises);

printRow(['', ...scenarios.map(({ title }) => title), 'at most']);
printRow(['---', ...scenarios.map(() => '---:'), '---:']);
printRows(simulations.map(toCounts));
printRows(promises, ({ most }) => (Number.isFinite(most) ? round(most) : ''));

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
