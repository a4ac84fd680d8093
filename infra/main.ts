import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { buildApp } from './app.ts';
import { OptionsError } from './options/parse-options.ts';
import { CONTEXT_KEY } from './options/stack-schema.ts';

// biome-ignore lint/style/noProcessEnv: the CDK CLI says here, and nowhere else, which region it would deploy to.
const { CDK_DEFAULT_REGION } = process.env;
const cdkJsonSchema = z.object({ context: z.record(z.string(), z.unknown()).default({}) });

try {
  const optionsOfCdkJson = readCdkJson()?.context[CONTEXT_KEY];
  buildApp({}, { cliRegion: CDK_DEFAULT_REGION, optionsOfCdkJson }).synth();
} catch (error) {
  if (!(error instanceof OptionsError)) throw error;
  // Sentences for ops; where in our code they were found would only stand in the way.
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}

/** The CDK CLI runs the app beside it, and complains itself if it cannot be read. */
function readCdkJson(): z.output<typeof cdkJsonSchema> | undefined {
  try {
    return cdkJsonSchema.safeParse(JSON.parse(readFileSync('cdk.json', 'utf8'))).data;
  } catch {
    return undefined;
  }
}
