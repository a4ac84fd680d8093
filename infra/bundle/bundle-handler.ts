import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

export const LAMBDA_DIRECTORY = fileURLToPath(new URL('../../lambda', import.meta.url));

/** Module of each function that exports its `handler`. */
const HANDLERS = {
  handler: 'handler.ts',
  sweep: 'fleet/sweep.ts',
  'refresh-message': 'fleet/refresh-message.ts',
} as const;
export type HandlerName = keyof typeof HANDLERS;
export const HANDLER_NAMES: readonly HandlerName[] = ['handler', 'sweep', 'refresh-message'];

/** Modules that packages import dynamically, and that a function never needs. */
const NEVER_IMPORTED = [
  // Lambda passes its credentials in environment variables. The SDK uses other sources only without them.
  '@aws-sdk/credential-provider-http',
  '@aws-sdk/credential-provider-ini',
  '@aws-sdk/credential-provider-process',
  '@aws-sdk/credential-provider-sso',
  '@aws-sdk/credential-provider-web-identity',
  '@smithy/credential-provider-imds',
  // None of the services has an operation that streams events.
  '@smithy/core/event-streams',
  // For the user agent in a browser.
  'bowser',
];

export interface BundleOptions {
  /** Module that exports `handler`. @default - the function's module */
  readonly entryPath?: string;
  /** Path of esbuild's metafile, which lists the inputs of each output file. @default - none is written */
  readonly metafilePath?: string;
  /** Bundles packages as they are published, without `replacements.mjs`. @default false */
  readonly isAsPublished?: boolean;
}

/**
 * Bundles the handler into `outputDirectory`: `index.mjs`, and files that are loaded later or never.
 *
 * esbuild runs in its own process, because `buildSync` takes no plugins and has waited forever for its worker thread.
 *
 * There is no source map, because reading one slows down cold starts. There is no banner that defines `require`: a test imports
 * the bundle to show that it needs none.
 */
export function bundleHandler(outputDirectory: string, options: BundleOptions = {}): void {
  const { entryPath = entryPathOf('handler'), ...others } = options;
  const buildOptions = {
    ...others,
    entryPoints: { index: entryPath },
    outdir: outputDirectory,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    // Dynamic imports go into separate files, which a cold start does not read.
    splitting: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    minify: true,
    // ES modules are smaller and start faster than CommonJS.
    mainFields: ['module', 'main'],
    external: NEVER_IMPORTED,
    legalComments: 'none',
    logLevel: 'warning',
  };
  const script = fileURLToPath(new URL('run-esbuild.mjs', import.meta.url));
  execFileSync(process.execPath, [script, JSON.stringify(buildOptions)], { stdio: ['ignore', 'inherit', 'inherit'] });
}

export function entryPathOf(name: HandlerName): string {
  return `${LAMBDA_DIRECTORY}/${HANDLERS[name]}`;
}

export function runEsbuild(options: readonly string[]): void {
  // On Windows, esbuild's command is always a script. On other systems, it usually is the executable.
  const esbuild = createRequire(import.meta.url).resolve('esbuild/bin/esbuild');
  const [command, script] = process.platform === 'win32' ? [process.execPath, [esbuild]] : [esbuild, []];
  execFileSync(command, [...script, ...options], { stdio: ['ignore', 'inherit', 'inherit'] });
}
