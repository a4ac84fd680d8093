const CHARACTER_WIDTH = 7.85;
const LINE_HEIGHT = 19;
const MARGIN = 18;
/** Width of the labels, which are dimmed as in a terminal. */
const LABEL = /^( {2}[A-Z][a-z]+(?: [a-z]+)? +)(.*)$/;

/** Draws a command and its output as a terminal would show them. A reader that shows no pictures finds the text in `desc`. */
export function toTerminalPicture(command: string, output: string): string {
  const [title = '', ...rest] = output.trimEnd().split('\n');
  const width = Math.ceil(Math.max(...[title, ...rest].map((line) => line.length)) * CHARACTER_WIDTH) + 2 * MARGIN;
  const height = (rest.length + 2) * LINE_HEIGHT + 2 * MARGIN;
  const drawn = [toSpan('#3fb950', `$ ${command}`), toSpan('#fff', title), ...rest.map(drawLine)];
  const lines = drawn.map((line, index) => `<text y="${MARGIN + 14 + index * LINE_HEIGHT}">${line}</text>`);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" role="img" aria-labelledby="title desc">`,
    `<title id="title">Output of ${escapeXml(command)}</title>`,
    `<desc id="desc">${escapeXml(output.trimEnd())}</desc>`,
    `<rect width="${width}" height="${height}" rx="8" fill="#0d1117"/>`,
    '<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="13">',
    ...lines,
    '</g>',
    '</svg>',
    '',
  ].join('\n');
}

/** Not every renderer keeps spaces, so each part has its own place. */
function drawLine(line: string): string {
  const [, label = '', value = ''] = LABEL.exec(line) ?? [];
  const rest = label === '' ? line : value;
  const [, good = '', text = ''] = /^([█░]+|healthy(?=\.))?(.*)$/.exec(rest) ?? [];
  const place = label.length;
  return [
    toSpan('#8b949e', label, 0),
    toSpan('#3fb950', good, place),
    toSpan('#e6edf3', text, place + good.length),
  ].join('');
}

function toSpan(color: string, text: string, column = 0): string {
  const shown = text.trimStart();
  if (shown === '') return '';
  const x = MARGIN + (column + text.length - shown.length) * CHARACTER_WIDTH;
  return `<tspan x="${x.toFixed(1)}" fill="${color}">${escapeXml(shown.trimEnd())}</tspan>`;
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
