import { type Style, terminal } from './terminal.ts';

const DEFAULT_WIDTH = 120;
const MIN_CELL = 16;
const GAP = '  ';

/** Renders rows of cells, with the first row as head. Each cell is wrapped to its share of the terminal's width. */
export function renderTable(
  rows: readonly (readonly string[])[],
  width = process.stdout.columns ?? DEFAULT_WIDTH,
): string {
  const [head = []] = rows;
  const cell = Math.max(MIN_CELL, Math.floor((width - GAP.length * (head.length - 1)) / head.length));
  const rule = head.map(() => '─'.repeat(cell)).join(GAP);
  return rows.map((row) => renderRow(row, cell)).join(`\n${rule}\n`);
}

function renderRow(row: readonly string[], cell: number): string {
  const wrapped = row.map((text) => wrap(text, cell));
  const height = Math.max(...wrapped.map((lines) => lines.length));
  const lines = Array.from({ length: height }, (_, line) =>
    wrapped.map((each) => (each[line] ?? '').padEnd(cell)).join(GAP),
  );
  return lines.map((line) => line.trimEnd()).join('\n');
}

/** Wraps text at spaces. A longer word sticks out instead of being cut. */
function wrap(text: string, cell: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const longer = `${lines.at(-1)} ${word}`;
    if (lines.length > 0 && longer.length <= cell) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

export interface Row {
  readonly cells: readonly string[];
  /** Style of the whole row. */
  readonly style?: Style | undefined;
}

/** Renders lines whose columns are as wide as their widest cell. */
export function renderColumns(rows: readonly Row[]): readonly string[] {
  const widths = (rows[0]?.cells ?? []).map((_, column) =>
    Math.max(...rows.map(({ cells }) => cells[column]?.length ?? 0)),
  );
  return rows.map(({ cells, style }) => {
    const line = cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(GAP);
    return style === undefined ? line.trimEnd() : terminal.paint(style, line.trimEnd());
  });
}
