import { expect } from 'vitest';
import * as z from 'zod';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { blocksOf, readDocument, sectionsOf } from '../support/markdown.ts';
import type { Alarm } from './evaluate-alarm.ts';
import { Operator, type Ran } from './operator.ts';

const RUNBOOK = readDocument('docs/runbook.md');
const SECTIONS = sectionsOf(RUNBOOK);
/** Lines that the runbook asks to paste first. */
export const [PREAMBLE = ''] = blocksOf(RUNBOOK, 'bash');
const lineSchema = z.looseObject({ code: z.string(), runbook: z.string(), message: z.string() });
type Line = z.output<typeof lineSchema>;

/** Person who follows the runbook, and runs nothing that the entry does not have. */
export class RunbookReader {
  readonly operator: Operator;
  readonly sandbox: Sandbox;
  readonly #alarms: ReadonlyMap<string, Alarm>;
  #entry = '';

  constructor(operator: Operator, sandbox: Sandbox, alarms: ReadonlyMap<string, Alarm>) {
    this.operator = operator;
    this.sandbox = sandbox;
    this.#alarms = alarms;
  }

  /** Opens the entry that the email of an alarm links to. */
  readEmail(alarm: string): void {
    const text = this.#alarms.get(alarm)?.text ?? '';
    this.open(/\nFix: \S+#(\S+)\n/.exec(text)?.[1] ?? '');
  }

  open(anchor: string): void {
    this.#entry = SECTIONS.get(anchor) ?? '';
    expect(this.#entry).toContain('```bash');
  }

  /** Runs a line of the entry. */
  async run(line: string, edit?: (text: string) => string): Promise<Ran> {
    expect(this.#entry.split('\n').map((each) => each.trim())).toContain(line);
    return await this.operator.run(line, edit);
  }

  /** Follows the link in the last line of the log that has a code. @returns that line */
  async followLog(code: string): Promise<Line> {
    const { stdout } = await this.run('run LogsCommand');
    return this.follow(stdout, code, '"durationMs"');
  }

  /** Follows the link in the last line of an output that has this text. @returns that line */
  follow(output: string, code: string, text = code): Line {
    const lines = output.split('\n').flatMap((line) => {
      const parsed = lineSchema.safeParse(line.includes(text) ? JSON.parse(line) : undefined);
      return parsed.success ? [parsed.data] : [];
    });
    const last = lines.at(-1);
    if (last === undefined) throw new Error('no line of the log has a code');
    expect(last.code).toBe(code);
    this.open(last.runbook.split('#')[1] ?? '');
    return last;
  }
}

export const setMember = (name: string, value: unknown) => (text: string) =>
  JSON.stringify({ ...z.looseObject({}).parse(JSON.parse(text)), [name]: value });

export async function expectOutcome(ran: Promise<Ran>, outcomes: readonly string[]): Promise<void> {
  const done = await ran;
  expect(outcomes, done.stdout + done.stderr).toContain(Operator.outcomeOf(done));
}
