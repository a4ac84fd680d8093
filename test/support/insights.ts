/** A line of a log, as CloudWatch Logs Insights sees it: the members of its JSON, and what CloudWatch adds. */
export type LogLine = Readonly<Record<string, unknown>>;

const NAME = /^@?[a-zA-Z]+$/;
const STATISTIC = /^(count|latest)\((\*|[a-zA-Z]+)\) as [a-zA-Z]+$/;

export interface Answer {
  /** The lines that every filter lets through. */
  readonly found: readonly LogLine[];
  /** Fields of lines that the query names. */
  readonly names: readonly string[];
}

/**
 * Returns the results of a CloudWatch Logs Insights query. It supports only the commands that are used here.
 *
 * @throws Error for a command or an expression that is not known here, so that none is overlooked
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
 */
export function askInsights(query: string, lines: readonly LogLine[]): Answer {
  const names: string[] = [];
  let found = lines;
  for (const step of query.trim().split(/\s*\n\s*\|\s*/)) {
    const [command = '', ...rest] = step.split(' ');
    const argument = rest.join(' ');
    if (command === 'filter') {
      const { name, isMatch } = parseFilter(argument);
      names.push(name);
      found = found.filter(isMatch);
    } else names.push(...namesOf(command, argument));
  }
  for (const name of names) if (!NAME.test(name)) throw new Error(`no name of a field: ${name}`);
  return { found, names };
}

function parseFilter(condition: string): { name: string; isMatch: (line: LogLine) => boolean } {
  const [, present] = /^ispresent\((\w+)\)$/.exec(condition) ?? [];
  if (present !== undefined) return { name: present, isMatch: (line) => present in line };
  const [, name, value] = /^(\w+) = "([^"]*)"$/.exec(condition) ?? [];
  if (name === undefined) throw new Error(`no condition that is known here: ${condition}`);
  return { name, isMatch: (line) => line[name] === value };
}

function namesOf(command: string, argument: string): readonly string[] {
  const parts = (text: string) => text.split(',').map((part) => part.trim());
  if (command === 'fields') return parts(argument);
  if (command === 'limit' && /^\d+$/.test(argument)) return [];
  const [, sorted] = (command === 'sort' && /^(@?\w+) desc$/.exec(argument)) || [];
  if (sorted !== undefined) return [sorted];
  if (command !== 'stats') throw new Error(`no command that is known here: ${command} ${argument}`);
  const [statistics = '', groups = ''] = argument.split(' by ');
  const counted = parts(statistics).map((statistic) => {
    const [, , name = ''] = STATISTIC.exec(statistic) ?? [];
    if (name === '') throw new Error(`no statistic that is known here: ${statistic}`);
    return name;
  });
  return [...counted.filter((name) => name !== '*'), ...parts(groups)];
}
