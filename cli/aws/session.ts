import type { LambdaClient } from '@aws-sdk/client-lambda';
import type { FleetTag } from '../../lambda/contract.ts';
import { CommandError, EXIT } from '../command-error.ts';
import { toCommandLine } from '../environment.ts';
import type { Deployment, RefreshTarget } from './deployment.ts';
import { explainFailure } from './explain-failure.ts';
import { toSecretTag } from './fleet-tag.ts';
import { type ResolvedSettings, resolveSettings } from './local-settings.ts';

/** Profile and region from the command line. The SDK finds missing ones in the environment and the shared files. */
export interface AwsSettings {
  readonly profile?: string | undefined;
  readonly region?: string | undefined;
}

/** Timeouts for a person who waits: an endpoint that does not answer is reported within seconds. */
const CONNECTION_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 15_000;

/** Commands to act on one secret, with the options of this session. */
export interface AdvisedCommands {
  readonly authorize: string;
  readonly refresh: string;
  readonly forceRefresh: string;
  readonly restoreConcurrency: string;
}

/** AWS access of one command. Each client is loaded and created when it is first used, and then shared. */
export class AwsSession {
  /** Settings from the command line, for commands in messages. */
  readonly #settings: AwsSettings;
  readonly #resolved: ResolvedSettings;
  readonly cloudFormation = lazy(async () => {
    const { CloudFormationClient } = await import('@aws-sdk/client-cloudformation');
    return new CloudFormationClient(this.#clientOptions());
  });
  readonly cloudWatch = lazy(async () => {
    const { CloudWatchClient } = await import('@aws-sdk/client-cloudwatch');
    return new CloudWatchClient(this.#clientOptions());
  });
  readonly lambda = lazy(async () => {
    const { LambdaClient } = await import('@aws-sdk/client-lambda');
    return new LambdaClient(this.#clientOptions());
  });
  readonly scheduler = lazy(async () => {
    const { SchedulerClient } = await import('@aws-sdk/client-scheduler');
    return new SchedulerClient(this.#clientOptions());
  });
  readonly secretsManager = lazy(async () => {
    const { SecretsManagerClient } = await import('@aws-sdk/client-secrets-manager');
    return new SecretsManagerClient(this.#clientOptions());
  });

  constructor(settings: AwsSettings) {
    this.#settings = settings;
    this.#resolved = resolveSettings(settings);
  }

  /**
   * Creates a client that waits for `timeoutMs`, which is longer than the function can take. It tries once: the SDK would
   * otherwise send a refresh a second time if its answer is late.
   */
  async connectInvoker(timeoutMs: number): Promise<LambdaClient> {
    const { LambdaClient } = await import('@aws-sdk/client-lambda');
    return new LambdaClient({ ...this.#clientOptions(timeoutMs), maxAttempts: 1 });
  }

  /** Returns the region in use, for a message. */
  async region(): Promise<string> {
    const client = await this.lambda();
    return await client.config.region();
  }

  /** Returns the AWS account, if the source of the credentials names it: SSO, an assumed role, or `AWS_ACCOUNT_ID`. */
  async account(): Promise<string | undefined> {
    const client = await this.secretsManager();
    return (await client.config.credentials()).accountId;
  }

  /** Converts a failed call to AWS to a CommandError. @param doing the failed action, as in "read secret x" */
  failure(error: unknown, doing: string): CommandError {
    if (error instanceof CommandError) return error;
    return new CommandError(EXIT.unable, explainFailure(error, doing, this.#resolved));
  }

  /** Returns the commands for this secret. */
  commandsFor(target: RefreshTarget): AdvisedCommands {
    const args = [...toNames(target), ...this.#args()];
    const refresh = toCommandLine('refresh', args);
    return {
      authorize: toCommandLine('authorize', args),
      refresh,
      forceRefresh: `${refresh} --force`,
      restoreConcurrency: this.awsCommand(
        'lambda delete-function-concurrency --function-name',
        target.deployment.refreshFunction.name,
      ),
    };
  }

  /** Returns a command of the AWS CLI with the options of this session. Without them, it could reach another region or account. */
  awsCommand(...words: readonly string[]): string {
    return ['aws', ...words, ...this.#args()].join(' ');
  }

  /** Returns the AWS CLI command that adds a secret to a fleet. */
  tagCommand(secretName: string, tag: FleetTag): string {
    const { key, value } = toSecretTag(tag);
    return this.awsCommand('secretsmanager tag-resource --secret-id', secretName, `--tags 'Key=${key},Value=${value}'`);
  }

  #args(): readonly string[] {
    const { profile, region } = this.#settings;
    return [
      ...(profile === undefined ? [] : ['--profile', profile]),
      ...(region === undefined ? [] : ['--region', region]),
    ];
  }

  #clientOptions(requestTimeout = REQUEST_TIMEOUT_MS) {
    const { profile, region, credentials } = this.#resolved;
    return {
      ...(profile === undefined ? {} : { profile }),
      ...(region === undefined ? {} : { region }),
      ...(credentials === undefined ? {} : { credentials }),
      maxAttempts: 3,
      requestHandler: { connectionTimeout: CONNECTION_TIMEOUT_MS, requestTimeout, throwOnRequestTimeout: true },
    };
  }
}

function toNames({ deployment, secret }: RefreshTarget): readonly string[] {
  const which = secret === undefined ? [] : ['--secret-id', secret.name];
  return [...toPlace(deployment), ...which];
}

function toPlace({ stackName, isAloneInStack, refreshFunction }: Deployment): readonly string[] {
  const named = ['--function-name', refreshFunction.name];
  if (stackName === undefined) return named;
  return ['--stack', stackName, ...(isAloneInStack ? [] : named)];
}

/** Returns `make` so that only the first call runs it. */
function lazy<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
