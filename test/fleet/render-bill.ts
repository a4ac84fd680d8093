import { synthesise, synthesiseFleet } from '../infra/synthesise.ts';
import { type AccountMonth, measureAccountMonth } from './account-month.ts';
import { fleetLines, recordedReads, stackDollars, sum } from './bill.ts';
import { type BilledParts, toBilledParts } from './billed-parts.ts';
import { PRICES } from './prices.ts';

export const ACCOUNTS: readonly number[] = [100, 1_000, 10_000];
const TICK_MINUTES = [10, 30];

const COUNTED = {
  secrets: 'secrets',
  alarmMetrics: 'metrics of alarms',
  compositeAlarms: 'composite alarms',
  dashboards: 'dashboards',
  queues: 'queues',
  polledQueues: 'queues that Lambda polls',
  functions: 'functions',
  logGroups: 'log groups',
} as const satisfies { readonly [part in keyof BilledParts]?: string };

/** Fleet as synthesized for a tick, and the monthly use of one account. */
interface Fleet {
  readonly tickMinutes: number;
  readonly parts: BilledParts;
  readonly month: AccountMonth;
}

/** Returns one fleet per tick of the bill. */
export async function measureFleets(): Promise<readonly Fleet[]> {
  return await Promise.all(
    TICK_MINUTES.map(async (tickMinutes) => ({
      tickMinutes,
      parts: toBilledParts(synthesiseFleet({ interval: { minutes: tickMinutes } })),
      month: await measureAccountMonth(tickMinutes),
    })),
  );
}

/** Returns US dollars per month for one account, without its secret. */
export function anAccountOf(accounts: number, { tickMinutes, parts, month }: Fleet, batchedAs: 1 | 20 = 1): number {
  return sum(fleetLines(accounts, tickMinutes, month, parts, batchedAs)) / accounts;
}

/** Renders the synthesized parts, the total, and the parts of the fleet itself. */
export function renderBill(fleets: readonly Fleet[], accounts: readonly number[] = ACCOUNTS): string {
  // A dashboard is left out for more than three accounts.
  const stack = toBilledParts(synthesise({ dashboard: false }));
  const largest = Math.max(...accounts);
  return [renderParts(stack, fleets), renderTotals(stack, fleets, accounts), renderLines(fleets, largest)].join('\n\n');
}

function renderParts(stack: BilledParts, fleets: readonly Fleet[]): string {
  const rows = Object.entries(COUNTED).map(([part, name]) => {
    const of = (parts: BilledParts) => new Map(Object.entries(parts)).get(part) ?? 0;
    return [name, of(stack), ...fleets.slice(0, 1).map(({ parts }) => of(parts))];
  });
  return renderTable(['resource', 'one stack, one account', 'one fleet, all accounts'], rows);
}

function renderTotals(stack: BilledParts, fleets: readonly Fleet[], counts: readonly number[]): string {
  const rows = counts.map((accounts) => [
    accounts,
    (accounts * stackDollars(stack)).toFixed(0),
    ...fleets.flatMap((fleet) => {
      const dollars = anAccountOf(accounts, fleet);
      return [(accounts * (PRICES.secret.dollars + dollars)).toFixed(0), dollars.toFixed(4)];
    }),
  ]);
  const columns = fleets.flatMap(({ tickMinutes }) => [`fleet, every ${tickMinutes} minutes`, 'per account']);
  return renderTable(['accounts', 'one stack per account', ...columns], rows);
}

function renderLines(fleets: readonly Fleet[], accounts: number): string {
  const columns = fleets.map(({ tickMinutes, month, parts }) => fleetLines(accounts, tickMinutes, month, parts));
  const rows = (columns[0] ?? []).map(({ of }, index) => [
    of,
    ...columns.map((lines) => ((lines[index]?.dollars ?? Number.NaN) / accounts).toFixed(4)),
  ]);
  const ticks = fleets.map(({ tickMinutes }) => `every ${tickMinutes} minutes`);
  const totals = ([1, 20] as const).map((batchedAs) => [
    `**total, a batch of 20 reads billed as ${batchedAs}**`,
    ...fleets.map((fleet) => `**${anAccountOf(accounts, fleet, batchedAs).toFixed(4)}**`),
  ]);
  return renderTable([`per account of ${accounts}`, ...ticks], [...rows, ...totals, ...recordRows(fleets)]);
}

/** Returns the charges of services that record an account's reads. */
function recordRows(fleets: readonly Fleet[]): readonly (readonly string[])[] {
  const columns = fleets.map(({ tickMinutes }) => recordedReads(tickMinutes));
  return (columns[0] ?? []).map(({ of }, index) => [
    `optional: ${of}`,
    ...columns.map((lines) => (lines[index]?.dollars ?? Number.NaN).toFixed(4)),
  ]);
}

function renderTable(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const [top = '', ...lines] = [head, ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  return [top, `|${'---|'.repeat(head.length)}`, ...lines].join('\n');
}
