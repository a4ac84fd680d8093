import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

export const LAMBDA_DIRECTORY = fileURLToPath(new URL('../../lambda', import.meta.url));

/** The module that exports the `handler` of each function. */
const HANDLERS = {
  handler: 'handler.ts',
  sweep: 'fleet/sweep.ts',
  'refresh-message': 'fleet/refresh-message.ts',
} as const;
export type HandlerName = keyof typeof HANDLERS;
export const HANDLER_NAMES: readonly HandlerName[] = ['handler', 'sweep', 'refresh-message'];

/** What the packages import dynamically and never need here. */
const NEVER_IMPORTED = [
  // Lambda passes its credentials in environment variables; the SDK looks elsewhere only if there are none.
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
  /** Module that exports `handler`. @default the function's */
  readonly entryPath?: string;
  /** Where esbuild writes what went into which file. @default nowhere */
  readonly metafilePath?: string;
  /** Bundles packages as they are published, without `replacements.mjs`. @default false */
  readonly isAsPublished?: boolean;
}

/**
 * Bundles the handler into `outputDirectory`: `index.mjs`, and beside it what is loaded later or not at all.
 *
 * esbuild runs in a process of its own. Its `buildSync` takes no plugins, and was seen to wait forever for its worker thread.
 *
 * No source map: reading one costs cold start. No banner that defines `require`: nothing in the bundle needs it, as a test
 * shows by importing the bundle.
 */
export function bundleHandler(outputDirectory: string, options: BundleOptions = {}): void {
  const { entryPath = entryPathOf('handler'), ...others } = options;
  const buildOptions = {
    ...others,
    entryPoints: { index: entryPath },
    outdir: outputDirectory,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    // What is imported dynamically goes into files of its own, which a start does not read.
    splitting: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    minify: true,
    // The ES modules of the packages: smaller, and faster to start than their CommonJS.
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
  // On Windows, esbuild's command is always a script; elsewhere it is mostly the program itself.
  const esbuild = createRequire(import.meta.url).resolve('esbuild/bin/esbuild');
  const [command, script] = process.platform === 'win32' ? [process.execPath, [esbuild]] : [esbuild, []];
  execFileSync(command, [...script, ...options], { stdio: ['ignore', 'inherit', 'inherit'] });
}
