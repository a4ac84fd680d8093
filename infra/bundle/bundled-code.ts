import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AssetHashType, DockerImage } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { bundleHandler, entryPathOf, type HandlerName, LAMBDA_DIRECTORY } from './bundle-handler.ts';

/** Folder of the package that holds the bundled handlers, so that users need no esbuild. A checkout does not have it. */
const PREBUILT = fileURLToPath(new URL('../handlers', import.meta.url));

/**
 * Finds the code of a function next to this module.
 *
 * @throws Error if the module was bundled into an app without the code
 */
function findCode(name: HandlerName): { readonly prebuilt: string } | { readonly sources: string } {
  const prebuilt = join(PREBUILT, name);
  if (existsSync(prebuilt)) return { prebuilt };
  if (existsSync(entryPathOf(name))) return { sources: LAMBDA_DIRECTORY };
  throw new Error(
    'Cannot find the code of the Lambda functions: your bundle contains retently-token-refresh without its files. Keep the package external to your bundle (esbuild: --external:retently-token-refresh).',
  );
}

/**
 * Returns the code to deploy: ES modules that include the AWS SDK.
 *
 * This does not use `NodejsFunction`, so that the sandbox and the tests can run the same bundle without CDK.
 */
export function bundledCode(name: HandlerName): Code {
  const code = findCode(name);
  if ('prebuilt' in code) return Code.fromAsset(code.prebuilt);
  return Code.fromAsset(code.sources, {
    // Hash the output: a change of the sources that does not change the bundle deploys nothing.
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      // CDK requires an image, although the local bundling does all the work.
      image: DockerImage.fromRegistry('unused'),
      // The command never runs. CDK treats two bundlings with equal options as one, and would deploy one handler twice.
      command: [name],
      local: {
        tryBundle: (outputDirectory) => {
          bundleHandler(outputDirectory, { entryPath: entryPathOf(name) });
          return true;
        },
      },
    },
  });
}
