import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { AssetHashType, DockerImage } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { bundleHandler, LAMBDA_DIRECTORY } from './bundle-handler.ts';

/** In the package, the handler is bundled already; its users need no esbuild. A checkout has no such folder. */
const PREBUILT = fileURLToPath(new URL('../handler', import.meta.url));

/**
 * The code that ships: ES modules with their own AWS SDK.
 *
 * Not `NodejsFunction`: the sandbox and the tests run the very same bundle without CDK.
 */
export function bundledCode(): Code {
  if (existsSync(PREBUILT)) return Code.fromAsset(PREBUILT);
  return Code.fromAsset(LAMBDA_DIRECTORY, {
    // Hash the output: a change of the sources that does not change the bundle deploys nothing.
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      // CDK requires an image, although the local bundling leaves nothing for it to do.
      image: DockerImage.fromRegistry('unused'),
      local: {
        tryBundle: (outputDirectory) => {
          bundleHandler(outputDirectory);
          return true;
        },
      },
    },
  });
}
