import { App, type AppProps } from 'aws-cdk-lib';
import { CONTEXT_KEY, parseContext } from './options/parse-context.ts';
import { TokenRefreshStack } from './token-refresh-stack.ts';

const CONTEXT = {
  // What CDK finds wrong in a template stops the synthesis.
  '@aws-cdk/core:validateAgainstDefaultRules': true,
  // Stack traces would put the paths of this machine into what is synthesised.
  'aws:cdk:disable-creation-stack-traces': true,
};

/**
 * The app: a stack for each Retently account that the context names. A test holds it, with every option, against the rules
 * of cdk-nag, which would cost each synthesis more than a second.
 *
 * @param cliRegion where a stack without `env.region` goes, if that is known
 * @throws OptionsError that names every mistake in the options
 */
export function buildApp(props: AppProps = {}, cliRegion?: string): App {
  const app = new App({ ...props, postCliContext: CONTEXT });
  for (const stack of parseContext(app.node.tryGetContext(CONTEXT_KEY), cliRegion)) new TokenRefreshStack(app, stack);
  return app;
}
