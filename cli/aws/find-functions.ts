import {
  type FunctionConfiguration,
  GetFunctionConfigurationCommand,
  ListTagsCommand,
  paginateListEventSourceMappings,
  paginateListFunctions,
} from '@aws-sdk/client-lambda';
import { DEFAULTS, ENVIRONMENT, FLEET_ENVIRONMENT } from '../../lambda/contract.ts';
import { CommandError, EXIT } from '../command-error.ts';
import { mapConcurrently } from '../map-concurrently.ts';
import type { AccountDeployment, Fleet, RefreshFunction } from './deployment.ts';
import type { AwsSession } from './session.ts';

/** Tag that CloudFormation itself puts on each function of a stack. */
const STACK_TAG = 'aws:cloudformation:stack-name';
/** Lambda's own limit, for a function whose configuration names no timeout. */
const MAX_TIMEOUT_SECONDS = 900;
const MAX_CALLS_IN_PARALLEL = 8;

export type FoundFunctions =
  | Pick<AccountDeployment, 'refreshFunction' | 'secretId' | 'tokenSecretId'>
  | Pick<Fleet, 'refreshFunction' | 'tag' | 'sweepName'>;

/** A function of the account, with the environment variables that identify its purpose. */
export interface DescribedFunction {
  readonly name: string;
  readonly arn: string;
  readonly timeoutSeconds: number;
  readonly variables: Readonly<Record<string, string>>;
  /** Message of AWS if it could not decrypt the variables. */
  readonly problem: string | undefined;
}

/** Returns the functions of this project in the region, which their environment variables identify. */
export async function listFunctions(session: AwsSession): Promise<readonly DescribedFunction[]> {
  const client = await session.lambda();
  const found: DescribedFunction[] = [];
  try {
    for await (const { Functions = [] } of paginateListFunctions({ client }, {})) {
      found.push(...Functions.map(toDescribed).filter(isOurs));
    }
    return found;
  } catch (error) {
    throw session.failure(error, 'list the functions');
  }
}

/** Returns the functions with these names. @throws CommandError if one of them does not exist */
export async function describeFunctions(
  session: AwsSession,
  names: readonly string[],
): Promise<readonly DescribedFunction[]> {
  return await mapConcurrently(names, MAX_CALLS_IN_PARALLEL, (name) => describeFunction(session, name));
}

async function describeFunction(session: AwsSession, name: string): Promise<DescribedFunction> {
  const client = await session.lambda();
  try {
    return toDescribed(await client.send(new GetFunctionConfigurationCommand({ FunctionName: name })));
  } catch (error) {
    if (error instanceof Error && error.name === 'ResourceNotFoundException') {
      const message = `Function ${name} does not exist in ${await session.region()}. Check its name and --region.`;
      throw new CommandError(EXIT.unable, message);
    }
    throw session.failure(error, `read the configuration of function ${name}`);
  }
}

/** Groups functions by their stack; those of no stack are under `undefined`. */
export async function groupByStack(
  session: AwsSession,
  functions: readonly DescribedFunction[],
): Promise<ReadonlyMap<string | undefined, readonly DescribedFunction[]>> {
  const names = await mapConcurrently(functions, MAX_CALLS_IN_PARALLEL, (each) => readStackName(session, each));
  const groups = new Map<string | undefined, DescribedFunction[]>();
  for (const [index, each] of functions.entries()) {
    const stackName = names[index];
    groups.set(stackName, [...(groups.get(stackName) ?? []), each]);
  }
  return groups;
}

async function readStackName(session: AwsSession, { name, arn }: DescribedFunction): Promise<string | undefined> {
  const client = await session.lambda();
  try {
    const { Tags = {} } = await client.send(new ListTagsCommand({ Resource: arn }));
    return Tags[STACK_TAG];
  } catch (error) {
    throw session.failure(error, `read the tags of function ${name}`);
  }
}

/** Returns each function that refreshes one secret, and each fleet: a sweep with the refresh that reads its queue. */
export async function pairFunctions(
  session: AwsSession,
  functions: readonly DescribedFunction[],
): Promise<readonly FoundFunctions[]> {
  const single = functions.flatMap((each) => {
    const { [ENVIRONMENT.credentialsSecretId]: secretId, [ENVIRONMENT.tokenSecretId]: tokenSecretId } = each.variables;
    return secretId === undefined ? [] : [{ refreshFunction: toRefreshFunction(each), secretId, tokenSecretId }];
  });
  const refreshes = functions.filter(isFleetRefresh);
  const sweeps = functions.filter(isSweep);
  const fleets = await Promise.all(
    sweeps.map(async (sweep) => {
      const isOnlyPair = sweeps.length === 1 && refreshes.length === 1;
      const refresh = isOnlyPair ? refreshes[0] : await findReader(session, sweep, refreshes);
      const { [FLEET_ENVIRONMENT.tagKey]: key = '', [FLEET_ENVIRONMENT.tagValue]: value } = sweep.variables;
      if (refresh === undefined) return [];
      return [
        { refreshFunction: toRefreshFunction(refresh), tag: { key, value: value || undefined }, sweepName: sweep.name },
      ];
    }),
  );
  return [...single, ...fleets.flat()];
}

/** Finds the function that Lambda invokes with the messages of the sweep's queue. */
async function findReader(
  session: AwsSession,
  sweep: DescribedFunction,
  refreshes: readonly DescribedFunction[],
): Promise<DescribedFunction | undefined> {
  const queueName = sweep.variables[FLEET_ENVIRONMENT.queueUrl]?.split('/').at(-1);
  const client = await session.lambda();
  for (const refresh of refreshes) {
    try {
      const pages = paginateListEventSourceMappings({ client }, { FunctionName: refresh.name });
      for await (const { EventSourceMappings = [] } of pages) {
        if (EventSourceMappings.some(({ EventSourceArn }) => EventSourceArn?.endsWith(`:${queueName}`))) return refresh;
      }
    } catch (error) {
      throw session.failure(error, `list the event source mappings of function ${refresh.name}`);
    }
  }
  return undefined;
}

function isOurs(each: DescribedFunction): boolean {
  return isRefresh(each) || isSweep(each);
}

function isSweep({ variables }: DescribedFunction): boolean {
  return FLEET_ENVIRONMENT.tagKey in variables;
}

/** Requires two variables, because functions of other applications may have one of the same name. */
function isRefresh({ variables }: DescribedFunction): boolean {
  return ENVIRONMENT.tokenEndpoint in variables && ENVIRONMENT.leaseSeconds in variables;
}

function isFleetRefresh(each: DescribedFunction): boolean {
  return isRefresh(each) && !(ENVIRONMENT.credentialsSecretId in each.variables);
}

function toDescribed(configuration: FunctionConfiguration): DescribedFunction {
  const { FunctionName: name = '', FunctionArn: arn = name, Timeout, Environment } = configuration;
  return {
    name,
    arn,
    timeoutSeconds: Timeout ?? MAX_TIMEOUT_SECONDS,
    variables: Environment?.Variables ?? {},
    problem: Environment?.Error?.Message,
  };
}

function toRefreshFunction({ name, arn, timeoutSeconds, variables }: DescribedFunction): RefreshFunction {
  return { name, arn, timeoutSeconds, tokenEndpoint: variables[ENVIRONMENT.tokenEndpoint] ?? DEFAULTS.tokenEndpoint };
}
