import { styleText } from 'node:util';

const COLUMNS = 96;
const LABEL_COLUMNS = 13;

/** What the story prints: paragraphs, headings, and lines with a label. Colour on a terminal alone. */
export class Screen {
  readonly #write: (text: string) => void;
  readonly #hasColour: boolean;

  constructor(write: (text: string) => void, hasColour: boolean) {
    this.#write = write;
    this.#hasColour = hasColour;
  }

  paragraph(text: string): void {
    for (const line of wrap(text, COLUMNS)) this.#print(line);
  }

  heading(text: string): void {
    this.#print('');
    this.#print(this.#style('bold', text));
  }

  line(label: string, text: string): void {
    const [first = '', ...rest] = wrap(text, COLUMNS - LABEL_COLUMNS);
    this.#print(this.#style('cyan', `  ${label}`.padEnd(LABEL_COLUMNS)) + first);
    for (const more of rest) this.#print(' '.repeat(LABEL_COLUMNS) + more);
  }

  check(sentence: string, isTrue: boolean): void {
    const [first = '', ...rest] = wrap(sentence, COLUMNS - 4);
    this.#print(`  ${isTrue ? this.#style('green', '✓') : this.#style('red', '✗ NOT SO:')} ${first}`);
    for (const more of rest) this.#print(`    ${more}`);
  }

  #style(format: 'bold' | 'cyan' | 'green' | 'red', text: string): string {
    // Asked above, of the stream in question: styleText would look at the wrong one.
    return this.#hasColour ? styleText(format, text, { validateStream: false }) : text;
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
