import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Screen } from './screen.ts';

const TEXT = 'word '.repeat(40).trim();
const ESCAPE = '\u001b';

afterEach(() => {
  vi.unstubAllEnvs();
});

/** Returns the output of a screen for a stream with these members. */
function writtenTo(members: object): string {
  const stream = Object.assign(new PassThrough(), members);
  const screen = Screen.of(stream);
  screen.heading('Heading');
  screen.paragraph(TEXT);
  screen.line('label', TEXT);
  screen.check(TEXT, true);
  return String(stream.read());
}

describe('the screen of a story', () => {
  test.each([40, 60, 96])('wraps to a terminal of %i columns', (columns) => {
    const lines = writtenTo({ columns }).split('\n');
    const longest = Math.max(...lines.map(({ length }) => length));
    expect(longest).toBeLessThanOrEqual(columns);
    expect(longest).toBeGreaterThan(columns - 6);
  });

  test('is no wider than 96 columns, nor without a terminal', () => {
    expect(writtenTo({ columns: 300 })).toEqual(writtenTo({ columns: 96 }));
    expect(writtenTo({})).toEqual(writtenTo({ columns: 96 }));
  });

  test('has color on a terminal only', () => {
    vi.stubEnv('NO_COLOR', undefined);
    vi.stubEnv('TERM', 'xterm');
    expect(writtenTo({ isTTY: true })).toContain(ESCAPE);
    expect(writtenTo({ isTTY: false })).not.toContain(ESCAPE);
  });

  test.each([
    ['NO_COLOR', '1'],
    ['TERM', 'dumb'],
  ])('has no color with %s=%s', (name, value) => {
    vi.stubEnv('NO_COLOR', undefined);
    vi.stubEnv('TERM', 'xterm');
    vi.stubEnv(name, value);
    expect(writtenTo({ isTTY: true })).not.toContain(ESCAPE);
  });
});
