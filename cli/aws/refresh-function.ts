import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { DEFAULTS, ENVIRONMENT } from '../../lambda/contract.ts';
import { CommandError, EXIT } from '../command-error.ts';
import { toAwsFailure } from './aws-failure.ts';
import { type AwsSettings, clientOptions } from './aws-settings.ts';

/** What the deployed function says of itself. */
export interface RefreshFunction {
  readonly name: string;
  readonly timeoutSeconds: number;
  readonly secretId: string;
  readonly tokenEndpoint: string;
}

/**
 * The one among `names` that refreshes a token, which its environment tells.
 *
 * @throws CommandError if there is none
 */
export async function findFunction(names: readonly string[], settings: AwsSettings): Promise<RefreshFunction> {
  const found = await Promise.all(names.map((name) => describeFunction(name, settings)));
  const ours = found.filter((each) => each !== undefined);
  const [only, ...others] = ours;
  if (only !== undefined && others.length === 0) return only;
  const what = only === undefined ? 'refreshes' : 'alone refreshes';
  throw new CommandError(
    EXIT.unable,
    `None of these functions ${what} a Retently token: ${names.join(', ')}. Name the one that does with --function-name.`,
  );
}

async function describeFunction(name: string, settings: AwsSettings): Promise<RefreshFunction | undefined> {
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
    const variables = Environment?.Variables ?? {};
    const secretId = variables[ENVIRONMENT.credentialsSecretId];
    if (secretId === undefined) return undefined;
    const tokenEndpoint = variables[ENVIRONMENT.tokenEndpoint] ?? DEFAULTS.tokenEndpoint;
    return { name: FunctionName ?? name, timeoutSeconds: Timeout ?? MAX_TIMEOUT_SECONDS, secretId, tokenEndpoint };
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
