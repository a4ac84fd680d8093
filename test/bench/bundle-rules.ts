import type { BundledFile } from './bundle-content.ts';

/** Maximum size of all files. It may grow by a change of this line with a reason. */
export const MAX_BUNDLE_BYTES = 285 * 1024;

/** Packages that a cold start evaluates. Review a package that an update of another one adds. */
const ORIGINS_OF_START = new Set([
  'lambda',
  'lambda/adapters',
  'lambda/core',
  'lambda/runtime',
  '@aws-lambda-powertools/commons',
  '@aws-lambda-powertools/logger',
  '@aws-lambda-powertools/metrics',
  '@aws-sdk/client-secrets-manager',
  '@aws-sdk/core',
  '@aws-sdk/credential-provider-env',
  '@aws/lambda-invoke-store',
  '@smithy/core',
  '@smithy/node-http-handler',
  '@smithy/signature-v4',
  '@smithy/types',
  'zod',
]);

/** Packages that are loaded with the first event. */
const ORIGINS_OF_EVENTS = new Set(['@aws-sdk/client-eventbridge', 'lambda/adapters']);

/** Packages that are left out: they would be imported only when needed, and never are. */
const LEFT_OUT =
  /^(@aws-sdk\/credential-provider-\w[\w-]*|@smithy\/credential-provider-imds|@smithy\/core\/event-streams|bowser)$/;

/**
 * Modules of Node, as `process.moduleLoadList` names them, that a fresh tick over HTTPS does not need. An import of
 * `node:http` in an ES module loads all of them on Node 24.
 */
const UNWANTED_MODULES = /^NativeModule (http|http2|internal\/http2\/.*|internal\/deps\/undici\/.*|undici)$/;

/** Returns a sentence for each problem of a bundle. */
export function findIntruders(files: readonly BundledFile[]): string[] {
  const intruders = files.flatMap(({ name, isOfStart, bytesByOrigin, externals }) => {
    const allowed = isOfStart ? ORIGINS_OF_START : ORIGINS_OF_EVENTS;
    const origins = [...bytesByOrigin.keys()].filter((origin) => !allowed.has(origin));
    const unknown = externals.filter((path) => !path.startsWith('node:') && !LEFT_OUT.test(path));
    return [
      ...origins.map((origin) => `${origin} is in ${name}${isOfStart ? ', which every start evaluates' : ''}`),
      ...unknown.map((path) => `${name} imports ${path}, which is in no file of the bundle`),
    ];
  });
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const excess =
    bytes > MAX_BUNDLE_BYTES ? [`the bundle has ${bytes} bytes, and ${MAX_BUNDLE_BYTES} are its budget`] : [];
  return [...intruders, ...excess];
}

/** @param modules `process.moduleLoadList` after a fresh tick */
export function findUnwantedModules(modules: readonly string[]): string[] {
  return modules.filter((module) => UNWANTED_MODULES.test(module));
}
