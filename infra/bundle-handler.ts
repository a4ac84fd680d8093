import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

export const LAMBDA_DIRECTORY = fileURLToPath(new URL('../lambda', import.meta.url));

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
 * No source map: nothing logs a stack trace, and to read a map costs cold start. No banner that brings `require` back:
 * nothing in the bundle asks for it, as a test sees by importing it.
 */
export function bundleHandler(outputDirectory: string): void {
  buildSync({
    entryPoints: [`${LAMBDA_DIRECTORY}/handler.ts`],
    outfile: `${outputDirectory}/index.mjs`,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    minify: true,
    // The ES modules of the packages: smaller, and faster to start than their CommonJS.
    mainFields: ['module', 'main'],
    external: UNUSED_CREDENTIAL_PROVIDERS,
    legalComments: 'none',
    logLevel: 'warning',
  });
}
