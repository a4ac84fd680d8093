import { styleText } from 'node:util';

/** Longer lines are hard to read. */
const MAX_COLUMNS = 96;
const LABEL_COLUMNS = 13;

/** Standard output, or its substitute in a test. */
interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Output of a story: paragraphs, headings, and lines with a label. */
export class Screen {
  readonly #write: (text: string) => void;
  readonly #hasColor: boolean;
  readonly #columns: number;

  constructor(write: (text: string) => void, hasColor: boolean, columns = MAX_COLUMNS) {
    this.#write = write;
    this.#hasColor = hasColor;
    this.#columns = Math.min(columns, MAX_COLUMNS);
  }

  /** Creates a screen as wide as the terminal, with color only on a terminal that takes it and unless NO_COLOR is set. */
  static of(stream: Output): Screen {
    const hasColor = stream.isTTY === true && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb';
    return new Screen((text) => stream.write(text), hasColor, stream.columns);
  }

  paragraph(text: string): void {
    for (const line of wrap(text, this.#columns)) this.#print(line);
  }

  heading(text: string): void {
    this.#print('');
    this.#print(this.#style('bold', text));
  }

  line(label: string, text: string): void {
    const [first = '', ...rest] = wrap(text, this.#columns - LABEL_COLUMNS);
    this.#print(this.#style('cyan', `  ${label}`.padEnd(LABEL_COLUMNS)) + first);
    for (const more of rest) this.#print(' '.repeat(LABEL_COLUMNS) + more);
  }

  check(sentence: string, isTrue: boolean): void {
    const [first = '', ...rest] = wrap(sentence, this.#columns - 4);
    this.#print(`  ${isTrue ? this.#style('green', '✓') : this.#style('red', '✗ NOT SO:')} ${first}`);
    for (const more of rest) this.#print(`    ${more}`);
  }

  #style(format: 'bold' | 'cyan' | 'green' | 'red', text: string): string {
    // The caller has looked at the stream; styleText would look at another one.
    return this.#hasColor ? styleText(format, text, { validateStream: false }) : text;
  }

  #print(line: string): void {
    this.#write(`${line}\n`);
  }
}

function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
