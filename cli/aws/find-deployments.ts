import { paginateListStackResources } from '@aws-sdk/client-cloudformation';
import { CommandError, EXIT } from '../command-error.ts';
import { type Deployment, isFleet, nameOf } from './deployment.ts';
import {
  type DescribedFunction,
  describeFunctions,
  type FoundFunctions,
  groupByStack,
  listFunctions,
  pairFunctions,
} from './find-functions.ts';
import type { AwsSession } from './session.ts';

/** Stack, function, or function of a stack. Without both, every deployment in the region. */
export interface Whereabouts {
  readonly stack?: string | undefined;
  readonly functionName?: string | undefined;
}

/** Finds deployments by the environment variables of their functions. @throws CommandError if there is none */
export async function findDeployments(
  session: AwsSession,
  { stack, functionName }: Whereabouts,
): Promise<readonly Deployment[]> {
  if (stack !== undefined) return await findInStack(session, stack, functionName);
  return functionName === undefined ? await findAll(session) : [await findByName(session, functionName)];
}

/** Finds the only deployment. @throws CommandError like {@link findDeployments}, and if there are several */
export async function findDeployment(session: AwsSession, whereabouts: Whereabouts): Promise<Deployment> {
  const found = await findDeployments(session, whereabouts);
  const [only, ...others] = found;
  if (only !== undefined && others.length === 0) return only;
  const option = found.every(({ isAloneInStack }) => isAloneInStack) ? '--stack' : '--stack and --function-name';
  const message = `There are several deployments: ${found.map(nameOf).join(', ')}. Choose one with ${option}.`;
  throw new CommandError(EXIT.unable, message);
}

async function findAll(session: AwsSession): Promise<readonly Deployment[]> {
  const groups = await groupByStack(session, await listFunctions(session));
  const found = await Promise.all(
    [...groups].map(async ([stackName, functions]) =>
      toDeployments(await pairFunctions(session, functions), stackName),
    ),
  );
  const deployments = found.flat();
  if (deployments.length > 0) return deployments.sort((one, other) => nameOf(one).localeCompare(nameOf(other)));
  throw new CommandError(
    EXIT.unable,
    `No function in ${await session.region()} refreshes a Retently token. Choose another region with --region, choose other credentials with --profile, or deploy a stack.`,
  );
}

async function findByName(session: AwsSession, functionName: string): Promise<Deployment> {
  const described = await describeFunctions(session, [functionName]);
  const [found] = toDeployments(await pairFunctions(session, described), undefined);
  if (found !== undefined) return found;
  throw toNoneFailure(described, `Function ${functionName}`);
}

async function findInStack(
  session: AwsSession,
  stackName: string,
  functionName: string | undefined,
): Promise<readonly Deployment[]> {
  const names = await listFunctionNames(session, stackName);
  const described = await describeFunctions(session, names);
  const deployments = toDeployments(await pairFunctions(session, described), stackName);
  if (deployments.length === 0) throw toNoneFailure(described, `Stack ${stackName}`);
  if (functionName === undefined) return deployments;
  const named = deployments.filter((each) => isNamed(each, functionName));
  if (named.length > 0) return named;
  throw new CommandError(
    EXIT.unable,
    `Stack ${stackName} has no function ${functionName} that refreshes a Retently token. Omit --function-name, or choose one of: ${deployments.map(({ refreshFunction }) => refreshFunction.name).join(', ')}.`,
  );
}

function isNamed(deployment: Deployment, functionName: string): boolean {
  const names = [deployment.refreshFunction.name, ...(isFleet(deployment) ? [deployment.sweepName] : [])];
  return names.includes(functionName.split(':').at(-1) ?? '');
}

function toDeployments(found: readonly FoundFunctions[], stackName: string | undefined): readonly Deployment[] {
  return found.map((each) => ({ ...each, stackName, isAloneInStack: found.length === 1 }));
}

function toNoneFailure(described: readonly DescribedFunction[], what: string): CommandError {
  const unreadable = described.find(({ problem }) => problem !== undefined);
  const message =
    unreadable === undefined
      ? `${what} does not refresh a Retently token. Choose another one with --stack or --function-name. To choose a fleet, use --stack.`
      : `The environment of function ${unreadable.name} cannot be read: ${unreadable.problem}`;
  return new CommandError(EXIT.unable, message);
}

async function listFunctionNames(session: AwsSession, stackName: string): Promise<readonly string[]> {
  const resources = await listResources(session, stackName);
  return resources.flatMap(({ type, physicalId }) => (type === 'AWS::Lambda::Function' ? [physicalId] : []));
}

interface StackResource {
  readonly type: string;
  /** Name in the template, from which CloudFormation makes the physical one. */
  readonly logicalId: string;
  readonly physicalId: string;
}

/** Returns the resources of the stack. @throws CommandError if it does not exist or cannot be read */
export async function listResources(session: AwsSession, stackName: string): Promise<readonly StackResource[]> {
  const resources: StackResource[] = [];
  const client = await session.cloudFormation();
  try {
    for await (const page of paginateListStackResources({ client }, { StackName: stackName })) {
      for (const { ResourceType = '', LogicalResourceId = '', PhysicalResourceId } of page.StackResourceSummaries ??
        []) {
        if (PhysicalResourceId === undefined) continue;
        resources.push({ type: ResourceType, logicalId: LogicalResourceId, physicalId: PhysicalResourceId });
      }
    }
    return resources;
  } catch (error) {
    if (error instanceof Error && error.name === 'ValidationError') {
      const message = `Stack ${stackName} does not exist in ${await session.region()}. Check --stack and --region. Without --stack, the command finds the only deployment.`;
      throw new CommandError(EXIT.unable, message);
    }
    throw session.failure(error, `list the resources of stack ${stackName}`);
  }
}
