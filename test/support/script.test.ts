import { Option } from 'commander';
import { afterEach, describe, expect, test, vi } from 'vitest';
import * as z from 'zod';
import { parseScript, positiveNumber, script, wholeNumber } from './script.ts';

class Exit extends Error {}

afterEach(() => {
  vi.restoreAllMocks();
});

/** Parses arguments with three options. */
function parse(...args: string[]) {
  const [written, exitCodes]: [string[], unknown[]] = [[], []];
  vi.spyOn(process, 'exit').mockImplementation((code) => {
    exitCodes.push(code);
    throw new Exit();
  });
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((chunk) => written.push(String(chunk)) > 0);
  }
  const command = script('npm run any --', 'Does something.')
    .option('--count <n>', 'how many', wholeNumber(1), 3)
    .option('--days <days>', 'how long', positiveNumber)
    .addOption(new Option('--all', 'all of them').conflicts('days'));
  const schema = z.object({
    count: z.number(),
    days: z.number().max(9, 'too many days').optional(),
    all: z.boolean().optional(),
  });
  try {
    return { options: parseScript(command, schema, args) };
  } catch (error) {
    if (!(error instanceof Exit)) throw error;
    return { exitCode: exitCodes[0], written: written.join('') };
  } finally {
    process.stdout.removeAllListeners('error');
  }
}

describe('a script', () => {
  test('gets its options, and defaults for the others', () => {
    expect(parse()).toEqual({ options: { count: 3 } });
    expect(parse('--count=5', '--days', '0.5')).toEqual({ options: { count: 5, days: 0.5 } });
  });

  test.each(['--help', '-h'])('describes its options with %s, and ends with 0', (option) => {
    expect(parse(option)).toEqual({
      exitCode: 0,
      written: expect.stringMatching(/^Usage: npm run any -- .*--count <n>/s),
    });
  });

  test.each([
    [['--unknown']],
    [['--cuont=5']],
    [['argument']],
    [['--count=0']],
    [['--count=1.5']],
    [['--count=x']],
    [['--count=']],
    [['--days=0']],
    [['--days=-1']],
    [['--days=']],
    [['--days=Infinity']],
    [['--days=10']],
    [['--days=1', '--all']],
  ])('rejects %j with one line, and ends with 2', (args) => {
    expect(parse(...args)).toEqual({ exitCode: 2, written: expect.stringMatching(/^error: [^\n]+\n$/) });
  });
});
