import { buildApp } from './app.ts';
import { OptionsError } from './options/parse-options.ts';

// biome-ignore lint/style/noProcessEnv: the CDK CLI says here, and nowhere else, which region it would deploy to.
const { CDK_DEFAULT_REGION } = process.env;

try {
  buildApp({}, CDK_DEFAULT_REGION).synth();
} catch (error) {
  if (!(error instanceof OptionsError)) throw error;
  // Sentences for ops; where in our code they were found would only stand in the way.
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
