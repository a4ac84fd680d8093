const OPTION_COLUMN = 34;
const TEXT_WIDTH = 66;

/**
 * Returns the options of all commands, each one once, and their examples.
 *
 * @param screens what `--help` of each command prints
 */
export function listOptions(screens: ReadonlyMap<string, string>): string {
  const commandsOf = new Map<string, string>();
  const examples: string[] = [];
  for (const [command, screen] of screens) {
    const help = parseHelp(screen);
    examples.push(...help.examples);
    for (const option of help.options) {
      const others = commandsOf.get(option);
      commandsOf.set(option, others === undefined ? command : `${others}, ${command}`);
    }
  }
  const sections = new Map([[[...screens.keys()].join(', '), ['All commands:']]]);
  for (const [option, commands] of commandsOf) {
    const lines = sections.get(commands) ?? [`${commands}:`];
    sections.set(commands, [...lines, option]);
  }
  const texts = [...sections.values(), ['Examples:', ...examples]].map((lines) => lines.join('\n'));
  return `${texts.join('\n\n')}\n`;
}

function parseHelp(screen: string): { readonly options: readonly string[]; readonly examples: readonly string[] } {
  const [, options = '', examples = ''] = /^Options:\n(.*?)\n\nExamples:\n(.*?)\n\n/ms.exec(screen) ?? [];
  return {
    options: options
      .replaceAll(/\n {3,}/g, ' ')
      .split('\n')
      .map(format),
    // A command without options shows nothing.
    examples: examples.split('\n').filter((example) => !/^\s*\S+ \S+$/.test(example)),
  };
}

function format(option: string): string {
  const [, flags = '', text = ''] = /^ {2}(\S.*?) {2,}(.*)$/.exec(option) ?? [];
  const lines = text.match(new RegExp(`\\S.{0,${TEXT_WIDTH - 1}}(?= |$)`, 'g')) ?? [];
  return `  ${flags}`.padEnd(OPTION_COLUMN) + lines.join(`\n${' '.repeat(OPTION_COLUMN)}`);
}
