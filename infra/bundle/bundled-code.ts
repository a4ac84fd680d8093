import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AssetHashType, DockerImage } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { bundleHandler, entryPathOf, type HandlerName, LAMBDA_DIRECTORY } from './bundle-handler.ts';

/** In the package, each handler is bundled already; its users need no esbuild. A checkout has no such folders. */
const PREBUILT = fileURLToPath(new URL('../handlers', import.meta.url));

/**
 * Finds the code of a function beside this module.
 *
 * @throws Error if the module was bundled into an app, and the code was left behind
 */
function findCode(name: HandlerName): { readonly prebuilt: string } | { readonly sources: string } {
  const prebuilt = join(PREBUILT, name);
  if (existsSync(prebuilt)) return { prebuilt };
  if (existsSync(entryPathOf(name))) return { sources: LAMBDA_DIRECTORY };
  throw new Error(
    'Cannot find the code of the Lambda functions: retently-token-refresh is part of a bundle, without its files. Keep retently-token-refresh external to your bundle (esbuild: --external:retently-token-refresh).',
  );
}

/**
 * The code that ships: ES modules with their own AWS SDK.
 *
 * Not `NodejsFunction`: the sandbox and the tests run the very same bundle without CDK.
 */
export function bundledCode(name: HandlerName): Code {
  const code = findCode(name);
  if ('prebuilt' in code) return Code.fromAsset(code.prebuilt);
  return Code.fromAsset(code.sources, {
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
