import { App, Stack } from 'aws-cdk-lib';
import { describe, expect, it } from 'vitest';
import { TokenRefresh } from '../../infra/token-refresh.ts';
import { TokenRefreshFleet } from '../../infra/token-refresh-fleet.ts';
import { blocksOf, readDocument } from '../support/markdown.ts';
import { FakeAwsShell } from '../support/run-in-bash.ts';
import { attributesOf } from './deployed-template.ts';
import { resolveText } from './resolve-intrinsics.ts';
import { synthesise, synthesiseFleet, templateOf, WITHOUT_BUNDLING } from './synthesise.ts';

const env = { account: '123456789012', region: 'eu-west-1' };
const SECRET_ARN = 'arn:aws:secretsmanager:us-east-1:000000000000:secret:RetentlyCredentials-AbCdEf';
const BEGINNING = blocksOf(readDocument('docs/runbook.md'), 'bash')[0] ?? '';

function theirStack(): Stack {
  return new Stack(new App({ context: WITHOUT_BUNDLING }), 'Theirs', { env });
}

describe('addOutputs of a construct', () => {
  it.each([
    [
      'an account',
      synthesise({ env, alarmEmails: ['ops@example.com'] }),
      (stack: Stack) => new TokenRefresh(stack, 'TokenRefresh', { alarmEmails: ['ops@example.com'] }).addOutputs(),
    ],
    [
      'a fleet',
      synthesiseFleet({ env }),
      (stack: Stack) => new TokenRefreshFleet(stack, 'Fleet', { tagKey: 'retently' }).addOutputs(),
    ],
  ])('adds the outputs that a stack of %s has', (_, ours, build) => {
    const stack = theirStack();
    build(stack);
    expect(templateOf(stack).Outputs).toEqual(ours.Outputs);
  });

  it('gives two constructs in one stack separate outputs by a prefix', () => {
    const stack = theirStack();
    for (const id of ['Emea', 'Apac']) new TokenRefresh(stack, id).addOutputs({ prefix: id });
    const { Outputs } = templateOf(stack);
    expect(JSON.stringify(Outputs['EmeaStatusCommand']?.Value)).toContain('EmeaFunction');
    expect(JSON.stringify(Outputs['ApacStatusCommand']?.Value)).toContain('ApacFunction');
  });

  it('throws if outputs would collide, or if CloudFormation would reject their names', () => {
    const stack = theirStack();
    new TokenRefresh(stack, 'One').addOutputs();
    const other = new TokenRefresh(stack, 'Other');
    expect(() => other.addOutputs()).toThrow('{ prefix }');
    expect(() => other.addOutputs({ prefix: 'my-' })).toThrow('my-');
  });

  it.each(['', 'Emea'])('lets the runbook run a command, with the prefix "%s"', (prefix) => {
    const stack = theirStack();
    new TokenRefresh(stack, 'TokenRefresh').addOutputs({ prefix });
    const template = templateOf(stack);
    const outputs = Object.entries(template.Outputs).map(([id, { Value }]) => [
      id,
      resolveText(Value, attributesOf(template, SECRET_ARN)),
    ]);
    using shell = new FakeAwsShell(Object.fromEntries(outputs));
    const { stderr } = shell.run(`${BEGINNING}\nPREFIX=${prefix}\nrun ScheduleCommand`);
    expect(stderr).toMatch(/^\+ aws scheduler get-schedule .*\n$/);
    expect(shell.calls.map(([service, operation]) => `${service} ${operation}`)).toEqual([
      'cloudformation describe-stacks',
      'scheduler get-schedule',
    ]);
  });
});
