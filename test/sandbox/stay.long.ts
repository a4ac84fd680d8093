import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { RunningCommand, runCommand } from '../support/command.ts';
import { PAGE_URL } from '../support/command-secrets.ts';
import { walkThroughPages } from '../support/plain-browser.ts';
import { BUNDLES_VARIABLE } from './lambda/bundle.ts';

const START = fileURLToPath(new URL('start.ts', import.meta.url));

/** Returns what the script prints, up to the end of its instructions. */
async function readInstructions(script: ChildProcess): Promise<string> {
  let text = '';
  for await (const chunk of script.stdout ?? []) {
    text += String(chunk);
    if (text.includes('add --manual')) return text;
  }
  throw new Error(`The script ended without instructions, but with:\n${text}`);
}

/** Pastes the lines of the instructions, as a user does. */
function paste(instructions: string) {
  const exported = [...instructions.matchAll(/^export (\w+)=(\S+)$/gm)].map(([, name = '', value = '']) => [
    name,
    value,
  ]);
  const commands = [...instructions.matchAll(/^npm run (\w+)(?: -- (.*))?$/gm)].map(([, name = '', options]) => [
    name,
    ...(options?.split(' ') ?? []),
  ]);
  return { environment: Object.fromEntries(exported), commands };
}

test('npm start -- --stay: each printed command works, and Ctrl-C ends it with exit code 0', async () => {
  const script = spawn(process.execPath, ['--import', 'tsx', START, '--stay'], {
    env: { ...process.env, [BUNDLES_VARIABLE]: undefined },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(script, 'exit');
  try {
    const { environment, commands } = paste(await readInstructions(script));
    const ended: [string, number | null][] = [];
    for (const [name = '', ...options] of commands) {
      if (name === 'status' || name === 'refresh') {
        ended.push([name, (await runCommand([name, ...options], environment)).exitCode]);
        continue;
      }
      const running = new RunningCommand([name, ...options, '--yes', '--no-open', '--port=0'], environment);
      await walkThroughPages(await running.says(PAGE_URL), 'allow');
      ended.push([name, (await running.ended).exitCode]);
    }
    expect(ended).toEqual([
      // One secret of the fleet is still empty.
      ['status', 1],
      ['refresh', 0],
      ['authorize', 0],
      ['authorize', 0],
      ['probe', 0],
    ]);
    const { stdout } = await runCommand(['status', '--json'], environment);
    expect(JSON.parse(stdout)).toMatchObject([
      { account: 'RetentlyTokenRefresh' },
      { fleet: 'RetentlyTokenRefreshFleet', health: 'healthy', counts: { healthy: 3 } },
    ]);
  } finally {
    script.kill('SIGINT');
  }
  expect(await closed).toEqual([0, null]);
});
