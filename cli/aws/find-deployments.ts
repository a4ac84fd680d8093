import {
  CloudFormationClient,
  paginateDescribeStacks,
  paginateListStackResources,
  type Stack,
  type StackResourceSummary,
} from '@aws-sdk/client-cloudformation';
import { CommandError, EXIT } from '../command-error.ts';
import { toAwsFailure } from './aws-failure.ts';
import { type AwsSettings, clientOptions } from './aws-settings.ts';
import type { Deployment } from './deployment.ts';
import { findFunction } from './refresh-function.ts';

const STACK_NAME = 'RetentlyTokenRefresh';
/** Of one account, and of a fleet. */
const STACK_DESCRIPTIONS = [
  'Keeps a Retently OAuth bearer token fresh',
  'Keeps the Retently OAuth bearer tokens of a fleet fresh',
];

/** `stack`, or else `functionName`; neither: every stack of this project in the region. */
export interface Whereabouts {
  readonly stack?: string | undefined;
  readonly functionName?: string | undefined;
}

/** @throws CommandError if there is none, or what was named is not there */
export async function findDeployments(
  { stack, functionName }: Whereabouts,
  settings: AwsSettings,
): Promise<readonly Deployment[]> {
  if (stack === undefined && functionName !== undefined) {
    const found = await findFunction([functionName], settings);
    return [{ ...found, alarmNames: [], scheduleNames: [] }];
  }
  const client = new CloudFormationClient(clientOptions(settings));
  const names = stack === undefined ? await findStackNames(client, settings) : [stack];
  return await Promise.all(names.map((name) => toDeployment(client, name, functionName, settings)));
}

/** @throws CommandError as {@link findDeployments}, and if there are several */
export async function findDeployment(whereabouts: Whereabouts, settings: AwsSettings): Promise<Deployment> {
  const [only, ...others] = await findDeployments(whereabouts, settings);
  if (only !== undefined && others.length === 0) return only;
  const names = [only, ...others].map((each) => each?.stackName).join(', ');
  throw new CommandError(EXIT.unable, `There are several stacks: ${names}. Name one with --stack.`);
}

async function findStackNames(client: CloudFormationClient, settings: AwsSettings): Promise<readonly string[]> {
  const names: string[] = [];
  try {
    for await (const { Stacks = [] } of paginateDescribeStacks({ client }, {})) {
      names.push(...Stacks.filter(isOurs).map(({ StackName = '' }) => StackName));
    }
  } catch (error) {
    throw toAwsFailure(error, 'To list the stacks', settings);
  }
  if (names.length > 0) return names.sort();
  const region = await client.config.region();
  throw new CommandError(
    EXIT.unable,
    `There is no stack of this project in ${region}. Choose another region with --region, name the stack with --stack, or deploy one.`,
  );
}

/** A stack of which nothing is there, or not for long. */
const GONE = /^(DELETE_|REVIEW_IN_PROGRESS$|ROLLBACK_COMPLETE$)/;

/** By its name, or by the description that the stack gives itself. */
export function isOurs({
  StackName,
  Description,
  StackStatus,
}: Pick<Stack, 'StackName' | 'Description' | 'StackStatus'>): boolean {
  const isNamedSo = StackName === STACK_NAME || StackName?.startsWith(`${STACK_NAME}-`) === true;
  const isDescribedSo = STACK_DESCRIPTIONS.some((description) => Description?.startsWith(description));
  return (isNamedSo || isDescribedSo) && !GONE.test(StackStatus ?? '');
}

async function toDeployment(
  client: CloudFormationClient,
  stackName: string,
  functionName: string | undefined,
  settings: AwsSettings,
): Promise<Deployment> {
  const resources = await listResources(client, stackName, settings);
  const named = (type: string): string[] =>
    resources.flatMap(({ ResourceType, PhysicalResourceId }) =>
      ResourceType === type && PhysicalResourceId !== undefined ? [PhysicalResourceId] : [],
    );
  const functionNames = functionName === undefined ? named('AWS::Lambda::Function') : [functionName];
  if (functionNames.length === 0) {
    throw new CommandError(
      EXIT.unable,
      `Stack ${stackName} has no function. Is it the right one? Name it with --stack.`,
    );
  }
  return {
    stackName,
    ...(await findFunction(functionNames, settings)),
    alarmNames: named('AWS::CloudWatch::Alarm'),
    scheduleNames: named('AWS::Scheduler::Schedule'),
  };
}

async function listResources(
  client: CloudFormationClient,
  stackName: string,
  settings: AwsSettings,
): Promise<readonly StackResourceSummary[]> {
  const resources: StackResourceSummary[] = [];
  try {
    for await (const page of paginateListStackResources({ client }, { StackName: stackName })) {
      resources.push(...(page.StackResourceSummaries ?? []));
    }
    return resources;
  } catch (error) {
    if (error instanceof Error && error.name === 'ValidationError') {
      const region = await client.config.region();
      throw new CommandError(
        EXIT.unable,
        `There is no stack ${stackName} in ${region}. Check --stack and --region; without --stack, the only one is taken.`,
      );
    }
    throw toAwsFailure(error, `To look at stack ${stackName}`, settings);
  }
}
