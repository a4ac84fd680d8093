import { Annotations, App, type AppProps } from 'aws-cdk-lib';
import { isFleet, parseContext, parseFleetContext, readOptions } from './options/parse-context.ts';
import { CONTEXT_KEY } from './options/schema.ts';
import { TokenRefreshFleetStack, TokenRefreshStack } from './stacks.ts';

const CONTEXT = {
  // A template that breaks a rule of CDK stops the synthesis.
  '@aws-cdk/core:validateAgainstDefaultRules': true,
  // Stack traces would put this machine's paths into the synthesized files.
  'aws:cdk:disable-creation-stack-traces': true,
  'aws:cdk:disable-stack-trace': true,
};

export interface Surroundings {
  /** Region for stacks without `env.region`, if it is known. */
  readonly cliRegion?: string | undefined;
  /** AWS account for stacks without `env.account`, if it is known. */
  readonly cliAccount?: string | undefined;
  /** Value of `tokenRefresh` in `cdk.json`. `-c tokenRefresh=…` replaces it. */
  readonly optionsOfCdkJson?: unknown;
}

/**
 * Returns the app: one stack per Retently account in the context, or the stack of a fleet. Only a test applies the rules
 * of cdk-nag, because they would add more than a second to each synthesis.
 *
 * @throws OptionsError that names every mistake in the options
 */
export function buildApp(props: AppProps = {}, { optionsOfCdkJson, ...cli }: Surroundings = {}): App {
  const app = new App({ ...props, postCliContext: CONTEXT });
  const context: unknown = app.node.tryGetContext(CONTEXT_KEY);
  const contextKeys = Object.keys(app.node.getAllContext());
  const surroundings = { ...cli, contextKeys };
  const [first] = isFleet(context)
    ? [new TokenRefreshFleetStack(app, parseFleetContext(context, surroundings))]
    : parseContext(context, surroundings).map((stack) => new TokenRefreshStack(app, stack));

  const options = readOptions(context);
  const replaced = Object.keys(readOptions(optionsOfCdkJson)).filter((member) => !Object.hasOwn(options, member));
  if (first !== undefined && replaced.length > 0) {
    Annotations.of(first).addWarningV2(
      'retently-token-refresh:cdkJsonReplaced',
      `-c ${CONTEXT_KEY}=… replaces the whole ${CONTEXT_KEY} object of cdk.json. These options of cdk.json have no effect: ${replaced.join(', ')}. Set all options in one place.`,
    );
  }
  return app;
}
