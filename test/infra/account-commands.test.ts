import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findCallMistakes } from '../support/aws-cli-calls.ts';
import { FakeAwsShell } from '../support/run-in-bash.ts';
import { outputsOf } from './deployed-template.ts';
import { KEY_ARN, synthesise } from './synthesise.ts';

const SECRET_ARN = 'arn:aws:secretsmanager:us-east-1:000000000000:secret:RetentlyCredentials-AbCdEf';
const VALUE = '{"client_id":"mine"}';

const template = synthesise();
const outputs = outputsOf(template, SECRET_ARN);
const COMMANDS = Object.entries(outputs).filter(([id]) => id.endsWith('Command'));

/** Returns the files that a command leaves in the folder. */
function runIn(shell: FakeAwsShell, id: string, program = 'bash') {
  const { status, stdout, stderr } = shell.run(outputs[id] ?? '', program);
  return { status, stdout, stderr };
}

describe('each command among the outputs', () => {
  it.each(COMMANDS)('%s is well-formed, and states where it works', (id, command) => {
    using shell = new FakeAwsShell();
    shell.willAnswer('list-secret-version-ids', 'version-1');
    shell.willAnswer('get-schedule', '{"Name":"mine"}');
    shell.willAnswer('describe-secret', KEY_ARN);
    writeFileSync(join(shell.directory, 'credentials.json'), VALUE);
    expect(runIn(shell, id)).toMatchObject({ status: 0, stderr: '' });
    expect(shell.calls.length).toBeGreaterThan(0);
    expect(shell.calls.flatMap(findCallMistakes)).toEqual([]);
    for (const call of shell.calls) expect(call.slice(-1)).not.toEqual(['']);
    expect(command).toContain('--region us-east-1');
    expect(template.Outputs[id]?.Description).toMatch(/\. In AWS CloudShell, or in bash with AWS CLI 2$/);
  });

  it('passes JSON, patterns and queries on as one argument each', () => {
    using shell = new FakeAwsShell();
    shell.willAnswer('get-schedule', '{"Name":"mine","Target":{"Input":"{}"}}');
    for (const id of ['StatusCommand', 'ForceCommand', 'LogsCommand', 'EnableScheduleCommand']) runIn(shell, id);
    expect(shell.calls.map((call) => call.at(-1))).toEqual([
      '/dev/stdout',
      '/dev/stdout',
      '{ $.durationMs >= 0 }',
      expect.stringContaining("Target:Target,State:'ENABLED'}"),
      '{"Name":"mine","Target":{"Input":"{}"}}',
    ]);
    expect(shell.calls[0]).toContain('{"action":"status"}');
    expect(shell.calls[1]).toContain('{"action":"refresh","force":true}');
  });
});

describe.each(['bash', 'dash'].filter((shell) => spawnSync(shell, ['-c', ':']).status === 0))('in %s', (program) => {
  it('GetSecretCommand creates a file that only its owner can read, whatever existed before', () => {
    using shell = new FakeAwsShell();
    const path = join(shell.directory, 'credentials.json');
    for (const name of [path, `${path}.new`]) writeFileSync(name, 'old', { mode: 0o644 });
    shell.willAnswer('get-secret-value', VALUE);
    expect(runIn(shell, 'GetSecretCommand', program).status).toBe(0);
    expect(readFileSync(path, 'utf8')).toBe(VALUE);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(existsSync(`${path}.new`)).toBe(false);
  });

  it('a GetSecretCommand that fails reports it, and keeps the existing file', () => {
    using shell = new FakeAwsShell();
    const path = join(shell.directory, 'credentials.json');
    writeFileSync(path, 'old');
    shell.willFail();
    const { status, stderr } = runIn(shell, 'GetSecretCommand', program);
    expect([status === 0, stderr]).toEqual([false, 'An error occurred\n']);
    expect(readFileSync(path, 'utf8')).toBe('old');
  });

  it('PutSecretCommand deletes the file, but not before its value is stored', () => {
    using shell = new FakeAwsShell();
    const path = join(shell.directory, 'credentials.json');
    writeFileSync(path, VALUE);
    expect(runIn(shell, 'PutSecretCommand', program).status).toBe(0);
    expect(existsSync(path)).toBe(false);
    writeFileSync(path, VALUE);
    shell.willFail();
    expect(runIn(shell, 'PutSecretCommand', program).status).not.toBe(0);
    expect(readFileSync(path, 'utf8')).toBe(VALUE);
  });
});

it('git ignores the files that the commands write', () => {
  const files = ['credentials.json', 'credentials.json.new'];
  const { stdout } = spawnSync('git', ['check-ignore', ...files], { cwd: import.meta.dirname, encoding: 'utf8' });
  expect(stdout.trim().split('\n')).toEqual(files);
});
