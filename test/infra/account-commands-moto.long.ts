import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AccountCommands, accountCommands } from '../../infra/account-commands.ts';
import { AWS_COMMANDS } from '../support/aws-cli-calls.ts';
import { isMotoInstalled, type MotoServer, startMoto } from '../support/moto-server.ts';

const CLI = 'aws';
const HAS_CLI = spawnSync(CLI, ['--version'], { stdio: 'ignore' }).status === 0;
const IS_POSSIBLE = HAS_CLI && isMotoInstalled();
const REGION = 'us-east-1';
const VALUE = '{"client_id":"mine","note":"quotes: \\" and $HOME"}';
const TARGET = { Arn: `arn:aws:lambda:${REGION}:123456789012:function:f`, RoleArn: 'arn:aws:iam::123456789012:role/r' };

const BOTOCORE = spawnSync('python3', ['-c', 'import botocore'], { stdio: 'ignore' }).status === 0;

/** Whether botocore has these services, operations and options; the AWS CLI makes its own of the same models. */
const ASK_BOTOCORE = `
import json, sys, botocore.session
from botocore import xform_name
session = botocore.session.get_session()
unknown = []
for command, options in json.load(sys.stdin).items():
    service, operation = command.split()
    model = session.get_service_model(service)
    known = {xform_name(name).replace('_', '-'): name for name in model.operation_names}
    members = model.operation_model(known[operation]).input_shape.members
    unknown += [f'{command} {o}' for o in options if o[2:] not in {xform_name(m).replace('_', '-') for m in members}]
print(json.dumps(unknown))
`;

it.skipIf(!BOTOCORE)(
  `the commands of the documents have options that AWS knows${BOTOCORE ? '' : ' (SKIPPED: botocore is not installed here)'}`,
  () => {
    const { 'logs tail': _, ...ofModels } = AWS_COMMANDS;
    const { stdout, stderr } = spawnSync('python3', ['-c', ASK_BOTOCORE], {
      input: JSON.stringify(ofModels),
      encoding: 'utf8',
    });
    expect([stdout.trim(), stderr]).toEqual(['[]', '']);
  },
);

describe.skipIf(!IS_POSSIBLE)(
  `the real AWS CLI against moto${IS_POSSIBLE ? '' : ' (SKIPPED: the AWS CLI and moto are not both installed here)'}`,
  () => {
    let moto: MotoServer;
    let directory: string;
    let queueUrl: string;
    let commands: AccountCommands;

    /** @returns what it printed */
    function run(command: string): string {
      const credentials = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_DEFAULT_REGION: REGION };
      // A developer's profile would take precedence over these credentials.
      const env = { ...process.env, ...credentials, AWS_PROFILE: undefined, AWS_DEFAULT_PROFILE: undefined };
      // Not by AWS_ENDPOINT_URL, which the AWS CLI 1 does not heed for SQS: it would call AWS itself.
      const script = `aws() { command aws --endpoint-url ${moto.url} "$@"; }\n${command}`;
      const { status, stdout, stderr } = spawnSync('bash', ['-c', script], { cwd: directory, env, encoding: 'utf8' });
      expect([status, stderr]).toEqual([0, '']);
      return stdout.trim();
    }

    beforeAll(async () => {
      moto = await startMoto();
      directory = mkdtempSync(join(tmpdir(), 'operator-'));
      const create = (what: string, query: string) => run(`aws ${what} --query ${query} --output text`);
      const secretId = create(`secretsmanager create-secret --name mine --secret-string '${VALUE}'`, 'ARN');
      create(
        `scheduler create-schedule --name tick --state DISABLED --schedule-expression 'rate(10 minutes)' --schedule-expression-timezone Etc/UTC --description 'Looks after it' --flexible-time-window Mode=FLEXIBLE,MaximumWindowInMinutes=2 --target '${JSON.stringify(TARGET)}'`,
        'ScheduleArn',
      );
      queueUrl = create('sqs create-queue --queue-name failed', 'QueueUrl');
      commands = accountCommands({
        region: REGION,
        functionName: 'f',
        timeoutSeconds: 60,
        logGroupName: 'g',
        secretId,
        tokenSecretId: create(`secretsmanager create-secret --name token --secret-string '${VALUE}'`, 'ARN'),
        reservedConcurrency: undefined,
        silenceMinutes: 22,
        scheduleName: 'tick',
        failedRunsUrl: queueUrl,
        undeliveredTicksUrl: queueUrl,
      });
    });

    afterAll(async () => {
      await moto.close();
      rmSync(directory, { recursive: true });
    });

    it('reads the value into a file for its owner, and stores it', () => {
      run(commands.GetSecretCommand.command);
      const path = join(directory, 'credentials.json');
      expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(JSON.parse(VALUE));
      expect(statSync(path).mode & 0o777).toBe(0o600);
      run(`sed -i s/mine/yours/ credentials.json && ${commands.PutSecretCommand.command}`);
      run(commands.GetSecretCommand.command);
      expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ client_id: 'yours' });
    });

    it('removes the label of the journal from its version', () => {
      const versions = 'aws secretsmanager list-secret-version-ids --secret-id mine --query Versions[].VersionStages[]';
      run("aws secretsmanager put-secret-value --secret-id mine --secret-string '{}' --version-stages TOKEN_REFRESH");
      run(commands.RemoveLabelCommand.command);
      expect(run(versions)).not.toContain('TOKEN_REFRESH');
    });

    it('enables the schedule, and changes no other setting', () => {
      const schedule = () => JSON.parse(run('aws scheduler get-schedule --name tick --output json'));
      const { State: _, LastModificationDate: __, ...before } = schedule();
      run(commands.EnableScheduleCommand.command);
      expect(run(commands.ScheduleCommand.command)).toBe('ENABLED');
      expect(schedule()).toMatchObject(before);
    });

    it('shows what is in a queue, leaves it there, and empties it', () => {
      const { FailedRunsCommand, PurgeFailedRunsCommand } = commands;
      run(`aws sqs send-message --queue-url ${queueUrl} --message-body broken`);
      for (let look = 1; look <= 2; look += 1) expect(run(FailedRunsCommand.command)).toContain('broken');
      run(PurgeFailedRunsCommand.command);
      expect(run(FailedRunsCommand.command)).toBe('');
    });
  },
);
