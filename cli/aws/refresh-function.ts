import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { DEFAULTS, ENVIRONMENT, FLEET_ENVIRONMENT } from '../../lambda/contract.ts';
import { CommandError, EXIT } from '../command-error.ts';
import { toAwsFailure } from './aws-failure.ts';
import { type AwsSettings, clientOptions } from './aws-settings.ts';
import type { AccountDeployment, Fleet, RefreshFunction } from './deployment.ts';

type OfOneSecret = Pick<AccountDeployment, 'refreshFunction' | 'secretId'>;
type OfFleet = Pick<Fleet, 'refreshFunction' | 'tag' | 'sweepName'>;

interface DescribedFunction {
  readonly name: string;
  readonly timeoutSeconds: number;
  readonly variables: Readonly<Record<string, string>>;
}

/**
 * The one among `names` that refreshes a token, which its environment tells: of one secret, or, beside one that sweeps,
 * of a fleet.
 *
 * @throws CommandError if there is none
 */
export async function findFunction(names: readonly string[], settings: AwsSettings): Promise<OfOneSecret | OfFleet> {
  const described = await Promise.all(names.map((name) => describeFunction(name, settings)));
  const found = [...described.flatMap(toOfOneSecret), ...toFleets(described)];
  const [only, ...others] = found;
  if (only !== undefined && others.length === 0) return only;
  const what = only === undefined ? 'refreshes' : 'alone refreshes';
  throw new CommandError(
    EXIT.unable,
    `None of these functions ${what} a Retently token: ${names.join(', ')}. Name the one that does with --function-name; a fleet is named by its stack, with --stack.`,
  );
}

function toOfOneSecret(described: DescribedFunction): readonly OfOneSecret[] {
  const secretId = described.variables[ENVIRONMENT.credentialsSecretId];
  return secretId === undefined ? [] : [{ refreshFunction: toRefreshFunction(described), secretId }];
}

/** A sweep says the tag, and the refresh beside it has a token endpoint and no secret. */
function toFleets(described: readonly DescribedFunction[]): readonly OfFleet[] {
  const refreshes = described.filter(
    ({ variables }) => ENVIRONMENT.tokenEndpoint in variables && !(ENVIRONMENT.credentialsSecretId in variables),
  );
  return described.flatMap(({ name: sweepName, variables }) => {
    const key = variables[FLEET_ENVIRONMENT.tagKey];
    if (key === undefined) return [];
    const tag = { key, value: variables[FLEET_ENVIRONMENT.tagValue] || undefined };
    return refreshes.map((each) => ({ refreshFunction: toRefreshFunction(each), tag, sweepName }));
  });
}

function toRefreshFunction({ name, timeoutSeconds, variables }: DescribedFunction): RefreshFunction {
  return { name, timeoutSeconds, tokenEndpoint: variables[ENVIRONMENT.tokenEndpoint] ?? DEFAULTS.tokenEndpoint };
}

async function describeFunction(name: string, settings: AwsSettings): Promise<DescribedFunction> {
  const client = new LambdaClient(clientOptions(settings));
  try {
    const { FunctionName, Timeout, Environment } = await client.send(
      new GetFunctionConfigurationCommand({ FunctionName: name }),
    );
    if (Environment?.Error?.Message !== undefined) {
      throw new CommandError(
        EXIT.unable,
        `The environment of function ${name} cannot be read: ${Environment.Error.Message}`,
      );
    }
    return {
      name: FunctionName ?? name,
      timeoutSeconds: Timeout ?? MAX_TIMEOUT_SECONDS,
      variables: Environment?.Variables ?? {},
    };
  } catch (error) {
    if (error instanceof Error && error.name === 'ResourceNotFoundException') {
      const region = await client.config.region();
      throw new CommandError(EXIT.unable, `There is no function ${name} in ${region}. Check its name and --region.`);
    }
    throw toAwsFailure(error, `To look at function ${name}`, settings);
  }
}

/** Lambda's own limit. */
const MAX_TIMEOUT_SECONDS = 900;
