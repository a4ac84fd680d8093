import { App, type AppProps, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { CONTEXT_KEY, parseContext } from './parse-context.ts';
import { TokenRefreshStack } from './token-refresh-stack.ts';

const CONTEXT = {
  // What CDK finds wrong in a template stops the synthesis.
  '@aws-cdk/core:validateAgainstDefaultRules': true,
  // Stack traces would put the paths of this machine into what is synthesised.
  'aws:cdk:disable-creation-stack-traces': true,
};

/**
 * The app: a stack for each Retently account that the context names, checked against the rules of cdk-nag.
 *
 * @param cliRegion where a stack without `env.region` goes, if that is known
 * @throws OptionsError that names every mistake in the options
 */
export function buildApp(props: AppProps = {}, cliRegion?: string): App {
  const app = new App({ ...props, postCliContext: CONTEXT });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  for (const stack of parseContext(app.node.tryGetContext(CONTEXT_KEY), cliRegion)) new TokenRefreshStack(app, stack);
  return app;
}
