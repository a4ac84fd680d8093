import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { buildApp } from './app.ts';
import { OptionsError } from './options/mistakes.ts';
import { CONTEXT_KEY } from './options/schema.ts';

// biome-ignore lint/style/noProcessEnv: only these variables say where the CDK CLI would deploy to.
const { CDK_DEFAULT_REGION, CDK_DEFAULT_ACCOUNT } = process.env;
const cdkJsonSchema = z.object({ context: z.record(z.string(), z.unknown()).default({}) });

try {
  const optionsOfCdkJson = readCdkJson()?.context[CONTEXT_KEY];
  buildApp({}, { cliRegion: CDK_DEFAULT_REGION, cliAccount: CDK_DEFAULT_ACCOUNT, optionsOfCdkJson }).synth();
} catch (error) {
  if (!(error instanceof OptionsError)) throw error;
  // The sentences are for operators; a stack trace would only hide them.
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}

/** The CDK CLI runs the app in its folder, and says itself if it cannot read it. */
function readCdkJson(): z.output<typeof cdkJsonSchema> | undefined {
  try {
    return cdkJsonSchema.safeParse(JSON.parse(readFileSync('cdk.json', 'utf8'))).data;
  } catch {
    return undefined;
  }
}
