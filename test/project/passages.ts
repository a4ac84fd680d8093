/** Text for people: a paragraph, heading, list item or table cell; in code, of a comment or a message. */
export interface Passage {
  readonly kind: 'docstring' | 'comment' | 'message' | 'document';
  /** Line of the file in which the passage begins. */
  readonly line: number;
  readonly text: string;
}

const COMMENT_OR_STRING =
  /\/\*[\s\S]*?\*\/|\/\/.*(?:\n *\/\/.*)*|'(?:\\[\s\S]|[^'\\\n])*'|"(?:\\[\s\S]|[^"\\\n])*"|`(?:\\[\s\S]|[^`\\])*`/g;
const STARTS_PASSAGE = /^\s*(#|[-*] |\d+\. |\||@\w|$)/;

/** Returns the comments of a source file, and the strings of more than one word. Literals joined by `+` are one string. */
export function passagesOfCode(source: string): readonly Passage[] {
  const text = source
    .replaceAll(/(['"`]) \+(\n\s*)\1/g, '\\$2')
    .replaceAll(/(?<=[(,=] ?)\/[^/*\s].*?\/(?=[dgimsuv]*[),;.])/g, 'x');
  return [...text.matchAll(COMMENT_OR_STRING)]
    .map(({ 0: part, index }) => ({ kind: kindOf(part), line: lineAt(text, index), text: withoutMarks(part) }))
    .filter(({ kind, text }) => kind !== 'message' || isProse(text))
    .flatMap(({ kind, line, text }) => passagesOf(text, kind, line));
}

function kindOf(text: string): Passage['kind'] {
  if (text.startsWith('/**')) return 'docstring';
  return text.startsWith('/') ? 'comment' : 'message';
}

/** Returns whether a string is more than one word, and no program. */
function isProse(text: string): boolean {
  return /[a-z}] [a-z$]/i.test(text) && !/=>|[;{(]$|^\s*(import|npm|npx) /m.test(text);
}

function withoutMarks(text: string): string {
  return text
    .replaceAll(/^\s*(\/\*\*?|\*\/|\*|\/\/)|\*\/$|^['"`]|['"`]$/gm, '')
    .replaceAll(/\$\{[^}]*\}/g, 'x')
    .replaceAll(/\\\n\s*/g, '')
    .replaceAll('\\n', '\n');
}

/** Returns the passages of a page, without quotations, code and addresses. */
export function passagesOfDocument(page: string): readonly Passage[] {
  const toBlankLines = (block: string) => block.replaceAll(/[^\n]/g, '');
  const prose = page
    .replaceAll(/^( *)```.*\n[\s\S]*?^\1```/gm, toBlankLines)
    .replaceAll(/<!--[\s\S]*?-->/g, toBlankLines)
    .replaceAll(/^ *>.*$/gm, '')
    .replaceAll(/"[^"\n]+"/g, 'x')
    .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, '$1');
  return passagesOf(prose, 'document', 1);
}

function passagesOf(text: string, kind: Passage['kind'], firstLine: number): readonly Passage[] {
  const passages: Passage[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const last = passages.at(-1);
    if (last === undefined || STARTS_PASSAGE.test(line) || isWhole(last.text)) {
      const cells = line.trim().startsWith('|') ? line.split(/(?<!\\)\|/) : [line];
      passages.push(...cells.map((cell) => ({ kind, line: firstLine + index, text: cell.trim() })));
    } else {
      passages.push({ ...last, text: `${passages.pop()?.text} ${line.trim()}` });
    }
  }
  return passages
    .map((passage) => ({ ...passage, text: withoutCode(passage.text) }))
    .filter(({ text }) => /\w/.test(text));
}

/** A heading, or nothing: the next line does not continue it. */
function isWhole(text: string): boolean {
  return text === '' || text.startsWith('#');
}

function withoutCode(text: string): string {
  return text.replaceAll(/`[^`]+`|(?<=@param )\w+/g, 'x').replaceAll(/https?:\S+/g, 'x');
}

/** Returns the sentences of a passage, each as its words. */
export function sentencesOf({ text }: Passage): readonly (readonly string[])[] {
  return text
    .split(/(?<=[.!?…][)"'*]*)\s+(?=[("'*]*[A-Zx\d])/)
    .map((sentence) => sentence.split(/\s+/).filter((word) => /\w/.test(word)))
    .filter((words) => words.length > 0);
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}
