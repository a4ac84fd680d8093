// Shorter code for parts of packages that a Lambda function never runs. A cold start compiles and keeps every byte of the
// bundle, and a bundler cannot know which parts never run.
//
// No replacement changes the bytes of a request, a signature, a retry or the parsing of a response from Secrets Manager.

/** Modeled errors that the code distinguishes by class. */
const CAUGHT_ERRORS = new Set([
  'InvalidParameterException',
  'InvalidRequestException',
  'ResourceExistsException',
  'ResourceNotFoundException',
]);

/** Reduces a `package.json` to the members that the user agent contains. */
function toVersion(source) {
  const { name, version } = JSON.parse(source);
  return JSON.stringify({ name, version });
}

/**
 * Removes the registration of errors that no code distinguishes. The SDK gives an unregistered error the same name and
 * message, as it does for `AccessDeniedException`, which has no class either.
 */
function withoutUncaughtErrors(source) {
  return source.replaceAll(/^n0_registry\.registerError\((\w+)\$, \1\);$/gm, (line, name) =>
    CAUGHT_ERRORS.has(name) ? line : '',
  );
}

/** Removes the lists of regions. The regular expression of each partition matches every region, including future ones. */
function withoutRegions(source) {
  return source.replaceAll(/"regions": \{(?:\s*"[^"]+": \{[^{}]*\},?)*\s*\}/g, '"regions": {}');
}

/**
 * Functions from the text of a file to its replacement, by path below `node_modules`.
 *
 * @type {Readonly<Record<string, (source: string) => string>>}
 */
export const REPLACEMENTS = {
  '@aws-sdk/client-eventbridge/package.json': toVersion,
  '@aws-sdk/client-secrets-manager/package.json': toVersion,
  '@aws-sdk/client-sqs/package.json': toVersion,
  '@aws-sdk/client-eventbridge/dist-es/schemas/schemas_0.js': withoutUncaughtErrors,
  '@aws-sdk/client-secrets-manager/dist-es/schemas/schemas_0.js': withoutUncaughtErrors,
  '@aws-sdk/core/dist-es/submodules/client/util-endpoints/lib/aws/partitions.js': withoutRegions,
  // A warning for versions of Node that Lambda no longer has. The stack sets the version.
  '@aws-sdk/core/dist-es/submodules/client/emitWarningIfUnsupportedVersion.js': () =>
    'export const state = { warningEmitted: true }; export const emitWarningIfUnsupportedVersion = () => {};',
  // Lambda passes its credentials in environment variables. The other sources are not in the bundle.
  '@aws-sdk/credential-provider-node/dist-es/index.js': () =>
    'export { fromEnv as defaultProvider } from "@aws-sdk/credential-provider-env";',
  // Signatures for several regions. Only a global endpoint of EventBridge needs them.
  '@aws-sdk/signature-v4-multi-region/dist-es/SignatureV4MultiRegion.js': () =>
    'export { SignatureV4 as SignatureV4MultiRegion } from "@smithy/signature-v4";',
  // Lambda's runtime provides this store. Without the store, the environment contains the same values.
  '@aws/lambda-invoke-store/dist-es/invoke-store.js': () =>
    'export const InvokeStore = { getInstanceAsync: async () => globalThis.awslambda?.InvokeStore };',
  // SHA-256 in JavaScript, for a Node without crypto.
  '@smithy/core/dist-es/submodules/checksum/sha256/Sha256Js.js': () => 'export class Sha256Js {}',
  // A lookup of the region of an EC2 instance.
  '@smithy/core/dist-es/submodules/config/config-resolver/regionConfig/getInstanceMetadataRegion.js': () =>
    'export const getInstanceMetadataRegion = async () => undefined;',
  // The files in `~/.aws`, which a function does not have. Each cold start would look for them.
  '@smithy/core/dist-es/submodules/config/shared-ini-file-loader/loadSharedConfigFiles.js': () => `
    export { CONFIG_PREFIX_SEPARATOR } from "./constants";
    export const loadSharedConfigFiles = async () => ({ configFile: {}, credentialsFile: {} });`,
  '@smithy/core/dist-es/submodules/endpoints/middleware-endpoint/service-customizations/index.js': () =>
    'export const resolveParamsForS3 = async (endpointParams) => endpointParams;',
  // The adaptive retry mode limits the client's rate. A function that makes ten calls uses the standard mode.
  '@smithy/core/dist-es/submodules/retry/util-retry/AdaptiveRetryStrategy.js': () => `
    import { StandardRetryStrategy } from "./StandardRetryStrategy";
    export class AdaptiveRetryStrategy extends StandardRetryStrategy {
      constructor(maxAttempts, options) { super(options ?? maxAttempts); }
    }`,
};
