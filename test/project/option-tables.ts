import * as z from 'zod';
import { fleetSchema } from '../../infra/options/fleet-schema.ts';
import { toSpaced } from '../../infra/options/mistakes.ts';
import { topSchema } from '../../infra/options/schema.ts';

/** Page that holds the tables of the options. */
export const PAGE_OF_OPTIONS = 'docs/configuration.md';

const TABLES = {
  options: ['option', topSchema.shape],
  'members of fleet': ['member of `fleet`', fleetSchema.shape.fleet.shape],
} as const;

/** Returns the page with each table, between its marks, as the schema of the options has it. */
export function withOptionTables(page: string): string {
  return Object.entries(TABLES).reduce((text, [name, [heading, shape]]) => {
    const start = `<!-- ${name}: npm run docs:options -->\n`;
    const end = `<!-- end of ${name} -->`;
    const [before, rest] = text.split(start);
    const [, after] = rest?.split(end) ?? [];
    if (before === undefined || after === undefined) throw new Error(`The page has no marks for the table "${name}".`);
    return `${before}${start}${toTable(heading, shape)}\n${end}${after}`;
  }, page);
}

function toTable(heading: string, shape: Readonly<Record<string, z.ZodType>>): string {
  const rows = Object.entries(shape).map(([name, member]) => {
    const { doc = '', default: words, example, prop } = member.meta() ?? {};
    const fallback = words ?? toCode(standardOf(member));
    const cells = [`\`${name}\``, fallback, example === undefined ? '' : toCode(example), prop ?? '', doc];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  return [
    `| ${heading} | default | example in \`cdk.json\` | type of the prop | meaning |`,
    '|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}

/** Returns the default as it is written in `cdk.json`. */
function standardOf(member: z.ZodType): unknown {
  return member instanceof z.ZodPrefault ? member.def.defaultValue : undefined;
}

function toCode(value: unknown): string {
  return `\`${toSpaced(value)}\``;
}
