import { type Style, terminal } from '../terminal.ts';

const GAP = '  ';

export interface Row {
  readonly cells: readonly string[];
  /** Of the whole row. */
  readonly style?: Style | undefined;
}

/** Lines whose columns are as wide as their widest cell. */
export function renderColumns(rows: readonly Row[]): readonly string[] {
  const widths = (rows[0]?.cells ?? []).map((_, column) =>
    Math.max(...rows.map(({ cells }) => cells[column]?.length ?? 0)),
  );
  return rows.map(({ cells, style }) => {
    const line = cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(GAP);
    return style === undefined ? line.trimEnd() : terminal.paint(style, line.trimEnd());
  });
}
