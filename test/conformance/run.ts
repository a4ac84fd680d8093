import { parseArgs } from 'node:util';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as z from 'zod';
import { startAws } from '../sandbox/aws/aws-server.ts';
import { SECRET_NAME_PREFIX } from './check.ts';
import { checks } from './checks.ts';
import { type CheckResult, createEmulatorClient, isAcceptable, runChecks } from './run-checks.ts';

const USAGE = `Usage: npm run conformance -- [--endpoint URL [--emulator moto] | --aws]
  without options  checks the sandbox itself
  --endpoint URL   checks another Secrets Manager, such as moto_server: http://localhost:5000
  --emulator NAME  the departures of this emulator are known: moto
  --aws            checks a real account, with your credentials and Region`;

const options = z
  .strictObject({
    endpoint: z.url().optional(),
    emulator: z.literal('moto').optional(),
    aws: z.boolean().default(false),
  })
  .refine(({ endpoint, aws }) => !(aws && endpoint !== undefined), '--aws and --endpoint exclude each other')
  .refine(({ endpoint, emulator }) => emulator === undefined || endpoint !== undefined, '--emulator needs --endpoint');

type Options = z.infer<typeof options>;

function parseOptions(): Options {
  const { values } = parseArgs({
    options: { endpoint: { type: 'string' }, emulator: { type: 'string' }, aws: { type: 'boolean' } },
  });
  return options.parse({ ...values });
}

async function run({ endpoint, emulator, aws }: Options): Promise<CheckResult[]> {
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
try {
  const results = await run(parseOptions());
  report(results);
  process.exitCode = results.every(isAcceptable) ? 0 : 1;
} catch (error) {
  const message = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
  console.error(`${message}\n${USAGE}`);
  process.exitCode = 1;
}
