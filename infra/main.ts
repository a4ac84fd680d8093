import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { buildApp } from './app.ts';
import { OptionsError } from './options/mistakes.ts';
import { CONTEXT_KEY } from './options/schema.ts';

// biome-ignore lint/style/noProcessEnv: only these variables contain the CDK CLI's deployment target.
const { CDK_DEFAULT_REGION, CDK_DEFAULT_ACCOUNT } = process.env;
const cdkJsonSchema = z.object({ context: z.record(z.string(), z.unknown()).default({}) });

try {
  const optionsOfCdkJson = readCdkJson()?.context[CONTEXT_KEY];
  buildApp({}, { cliRegion: CDK_DEFAULT_REGION, cliAccount: CDK_DEFAULT_ACCOUNT, optionsOfCdkJson }).synth();
} catch (error) {
  if (!(error instanceof OptionsError)) throw error;
  // The message is for operators. A stack trace would only bury it.
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}

/** Returns `cdk.json`, from the folder in which the CDK CLI runs the app. The CDK CLI itself reports a file that it cannot read. */
function readCdkJson(): z.output<typeof cdkJsonSchema> | undefined {
  try {
    return cdkJsonSchema.safeParse(JSON.parse(readFileSync('cdk.json', 'utf8'))).data;
  } catch {
    return undefined;
  }
}
