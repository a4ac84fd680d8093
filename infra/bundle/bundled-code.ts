import { AssetHashType, DockerImage } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { bundleHandler, LAMBDA_DIRECTORY } from './bundle-handler.ts';

/**
 * The code that ships: ES modules with their own AWS SDK.
 *
 * Not `NodejsFunction`: it starts esbuild through npx, a second slower, and turns to Docker where it finds no esbuild.
 */
export function bundledCode(): Code {
  return Code.fromAsset(LAMBDA_DIRECTORY, {
    // By the output: a change of the sources that leaves the bundle as it was deploys nothing.
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      // CDK wants to hear of an image, even where nothing is left for it to do.
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
