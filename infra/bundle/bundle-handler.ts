import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

export const LAMBDA_DIRECTORY = fileURLToPath(new URL('../../lambda', import.meta.url));

const ESBUILD = createRequire(import.meta.url).resolve('esbuild/bin/esbuild');

// Lambda hands its credentials over in environment variables. The SDK imports every other provider only where there
// are none, so these stay out: a third of the bundle, and a third of its cold start.
const UNUSED_CREDENTIAL_PROVIDERS = [
  '@aws-sdk/credential-provider-http',
  '@aws-sdk/credential-provider-ini',
  '@aws-sdk/credential-provider-process',
  '@aws-sdk/credential-provider-sso',
  '@aws-sdk/credential-provider-web-identity',
  '@smithy/credential-provider-imds',
];

/**
 * Bundles the handler into `index.mjs` in `outputDirectory`.
 *
 * By esbuild's command and not by its `buildSync`, which waits for a worker thread and was seen to wait for ever.
 *
 * No source map: nothing logs a stack trace, and to read a map costs cold start. No banner that brings `require` back:
 * nothing in the bundle asks for it, as a test sees by importing it.
 */
export function bundleHandler(outputDirectory: string): void {
  runEsbuild([
    `${LAMBDA_DIRECTORY}/handler.ts`,
    `--outfile=${outputDirectory}/index.mjs`,
    '--bundle',
    '--platform=node',
    '--target=node24',
    '--format=esm',
    '--minify',
    // The ES modules of the packages: smaller, and faster to start than their CommonJS.
    '--main-fields=module,main',
    ...UNUSED_CREDENTIAL_PROVIDERS.map((provider) => `--external:${provider}`),
    '--legal-comments=none',
    '--log-level=warning',
  ]);
}

function runEsbuild(options: readonly string[]): void {
  // Only on Windows is esbuild's command always a script; elsewhere it is mostly the program itself.
  const [command, script] = process.platform === 'win32' ? [process.execPath, [ESBUILD]] : [ESBUILD, []];
  execFileSync(command, [...script, ...options], { stdio: ['ignore', 'inherit', 'inherit'] });
}
