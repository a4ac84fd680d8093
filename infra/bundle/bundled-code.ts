import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AssetHashType, DockerImage } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { bundleHandler, entryPathOf, type HandlerName, LAMBDA_DIRECTORY } from './bundle-handler.ts';

/** In the package, each handler is bundled already; its users need no esbuild. A checkout has no such folders. */
const PREBUILT = fileURLToPath(new URL('../handlers', import.meta.url));

/**
 * The code that ships: ES modules with their own AWS SDK.
 *
 * Not `NodejsFunction`: the sandbox and the tests run the very same bundle without CDK.
 */
export function bundledCode(name: HandlerName): Code {
  if (existsSync(PREBUILT)) return Code.fromAsset(join(PREBUILT, name));
  return Code.fromAsset(LAMBDA_DIRECTORY, {
    // Hash the output: a change of the sources that does not change the bundle deploys nothing.
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      // CDK requires an image, although the local bundling leaves nothing for it to do.
      image: DockerImage.fromRegistry('unused'),
      // Nor has it a command. But CDK takes two bundlings with equal options for one, and would deploy one handler twice.
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
