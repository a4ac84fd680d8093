import { synthesise, synthesiseFleet } from '../infra/synthesise.ts';
import { type AccountMonth, measureAccountMonth } from './account-month.ts';
import { fleetLines, recordedReads, stackDollars, sum } from './bill.ts';
import { type BilledParts, toBilledParts } from './billed-parts.ts';
import { PRICES } from './prices.ts';

export const ACCOUNTS: readonly number[] = [100, 1_000, 10_000];
const TICK_MINUTES = [10, 30];

const COUNTED = {
  secrets: 'secrets',
  alarmMetrics: 'metrics that alarms look at',
  compositeAlarms: 'alarms over alarms',
  dashboards: 'dashboards',
  queues: 'queues',
  polledQueues: 'queues that Lambda polls',
  functions: 'functions',
  logGroups: 'log groups',
} as const satisfies { readonly [part in keyof BilledParts]?: string };

/** A fleet as it is synthesised for a tick, and what an account of it asks for. */
interface Fleet {
  readonly tickMinutes: number;
  readonly parts: BilledParts;
  readonly month: AccountMonth;
}

/** One for each tick that the bill is for. */
export async function measureFleets(): Promise<readonly Fleet[]> {
  return await Promise.all(
    TICK_MINUTES.map(async (tickMinutes) => ({
      tickMinutes,
      parts: toBilledParts(synthesiseFleet({ interval: { minutes: tickMinutes } })),
      month: await measureAccountMonth(tickMinutes),
    })),
  );
}

/** US dollars a month of one account, its secret aside. */
export function anAccountOf(accounts: number, { tickMinutes, parts, month }: Fleet, batchedAs: 1 | 20 = 1): number {
  return sum(fleetLines(accounts, tickMinutes, month, parts, batchedAs)) / accounts;
}

/** Renders the synthesized parts, the total, and the parts of the fleet itself. */
export function renderBill(fleets: readonly Fleet[], accounts: readonly number[] = ACCOUNTS): string {
  // A dashboard is left out for more than three accounts.
  const stack = toBilledParts(synthesise({ dashboard: false }));
  const largest = Math.max(...accounts);
  return [
    renderParts(stack, fleets),
    renderTotals(stack, fleets, accounts),
    renderLines(fleets, largest),
    renderRecords(fleets),
  ].join('\n\n');
}

function renderParts(stack: BilledParts, fleets: readonly Fleet[]): string {
  const rows = Object.entries(COUNTED).map(([part, name]) => {
    const of = (parts: BilledParts) => new Map(Object.entries(parts)).get(part) ?? 0;
    return [name, of(stack), ...fleets.slice(0, 1).map(({ parts }) => of(parts))];
  });
  return renderTable(['synthesised', 'a stack, for one account', 'a fleet, for all'], rows);
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
  const columns = fleets.flatMap(({ tickMinutes }) => [
    `a fleet, every ${tickMinutes} minutes`,
    'an account of it beside its secret',
  ]);
  return renderTable(['Retently accounts', 'a stack each', ...columns], rows);
}

function renderLines(fleets: readonly Fleet[], accounts: number): string {
  const columns = fleets.map(({ tickMinutes, month, parts }) => fleetLines(accounts, tickMinutes, month, parts));
  const rows = (columns[0] ?? []).map(({ of }, index) => [
    of,
    ...columns.map((lines) => ((lines[index]?.dollars ?? Number.NaN) / accounts).toFixed(4)),
  ]);
  const ticks = fleets.map(({ tickMinutes }) => `every ${tickMinutes} minutes`);
  const totals = ([1, 20] as const).map((batchedAs) => [
    `**all of it, if a batch of 20 reads is billed as ${batchedAs}**`,
    ...fleets.map((fleet) => `**${anAccountOf(accounts, fleet, batchedAs).toFixed(4)}**`),
  ]);
  return renderTable([`an account of ${accounts}, beside its secret`, ...ticks], [...rows, ...totals]);
}

/** Renders the charges of services that record an account's reads. */
function renderRecords(fleets: readonly Fleet[]): string {
  const columns = fleets.map(({ tickMinutes }) => recordedReads(tickMinutes));
  const rows = (columns[0] ?? []).map(({ of }, index) => [
    of,
    ...columns.map((lines) => (lines[index]?.dollars ?? Number.NaN).toFixed(4)),
  ]);
  const ticks = fleets.map(({ tickMinutes }) => `every ${tickMinutes} minutes`);
  return renderTable(['beside a fleet, per account, where it is used', ...ticks], rows);
}

function renderTable(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
