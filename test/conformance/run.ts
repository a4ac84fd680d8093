import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { Option } from 'commander';
import * as z from 'zod';
import { startAws } from '../sandbox/aws/aws-server.ts';
import { parseScript, script } from '../support/script.ts';
import { SECRET_NAME_PREFIX } from './check.ts';
import { checks } from './checks.ts';
import { type CheckResult, createEmulatorClient, isAcceptable, runChecks } from './run-checks.ts';

const COMMAND = script(
  'npm run conformance --',
  'Checks the behavior of Secrets Manager that this project relies on, by default in the sandbox.',
)
  .addOption(
    new Option(
      '--endpoint <url>',
      'check another Secrets Manager, such as moto_server: http://localhost:5000',
    ).conflicts('aws'),
  )
  .addOption(new Option('--emulator <name>', 'accept the known departures of this emulator').choices(['moto']))
  .option('--aws', 'check a real account, with your credentials and region');
const OPTIONS = z
  .object({
    endpoint: z.url('--endpoint must be a URL.').optional(),
    emulator: z.literal('moto').optional(),
    aws: z.boolean().default(false),
  })
  .refine(({ endpoint, emulator }) => emulator === undefined || endpoint !== undefined, '--emulator needs --endpoint.');

async function run({ endpoint, emulator, aws }: z.infer<typeof OPTIONS>): Promise<CheckResult[]> {
  if (aws) {
    console.log(
      `Creates ${checks.length} secrets named ${SECRET_NAME_PREFIX}… in your account, and deletes each of them.`,
    );
    return runChecks(checks, new SecretsManagerClient());
  }
  if (endpoint !== undefined) return runChecks(checks, createEmulatorClient(endpoint), emulator);
  await using sandbox = await startAws();
  return await runChecks(checks, createEmulatorClient(sandbox.url));
}

function report(results: readonly CheckResult[]): void {
  for (const { verdict, name, reason } of results) {
    console.log(`${verdict.padEnd(17)}  ${name}${reason === undefined ? '' : ` (${reason})`}`);
  }
  const count = (verdict: string) => results.filter((result) => result.verdict === verdict).length;
  const bad = results.filter((result) => !isAcceptable(result)).length;
  console.log(`${count('passed')} passed, ${count('known departure')} known departures, ${bad} failed`);
}

process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';
const results = await run(parseScript(COMMAND, OPTIONS));
report(results);
process.exitCode = results.every(isAcceptable) ? 0 : 1;
