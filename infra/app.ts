import { Annotations, App, type AppProps } from 'aws-cdk-lib';
import { isFleet, parseContext, parseFleetContext, readOptions } from './options/parse-context.ts';
import { CONTEXT_KEY } from './options/schema.ts';
import { TokenRefreshFleetStack, TokenRefreshStack } from './stacks.ts';

const CONTEXT = {
  // A template that breaks a rule of CDK stops the synthesis.
  '@aws-cdk/core:validateAgainstDefaultRules': true,
  // Stack traces would put the paths of this machine into what is synthesised.
  'aws:cdk:disable-creation-stack-traces': true,
  'aws:cdk:disable-stack-trace': true,
};

export interface Surroundings {
  /** The region of a stack without `env.region`, if that is known. */
  readonly cliRegion?: string | undefined;
  /** The AWS account of a stack without `env.account`, if that is known. */
  readonly cliAccount?: string | undefined;
  /** `tokenRefresh` as `cdk.json` has it: `-c tokenRefresh=…` replaces it. */
  readonly optionsOfCdkJson?: unknown;
}

/**
 * The app: one stack for each Retently account in the context, or the stack of a fleet. A test checks it with the rules
 * of cdk-nag, which would cost each synthesis more than a second.
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
      `-c ${CONTEXT_KEY}=… replaces the whole ${CONTEXT_KEY} of cdk.json. Of that, this does not hold now: ${replaced.join(', ')}. Name all options in one place.`,
    );
  }
  return app;
}
