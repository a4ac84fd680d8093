import { Duration } from 'aws-cdk-lib';
import type { Role } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { ENVIRONMENT } from '../../lambda/contract.ts';
import { bundledCode } from '../bundle/bundled-code.ts';
import { ATTEMPTS_PER_TICK } from '../options/schedule-limits.ts';
import type { TokenRefreshSettings } from '../options/schema.ts';
import type { EventDestination } from './event-destination.ts';
import {
  acknowledgeWildcard,
  allowEvents,
  allowLogs,
  allowOptions,
  createFunction,
  createLogGroup,
  createRole,
  refreshEnvironment,
} from './lambda-function.ts';
import type { SecretNames } from './secret-names.ts';
import { allow, allowDecryptOf, allowKeyThrough, CREDENTIALS_ACTIONS } from './statements.ts';

export interface RefreshFunctionProps {
  readonly settings: TokenRefreshSettings;
  readonly credentials: SecretNames;
  readonly tokenSecret: SecretNames | undefined;
  readonly eventDestination: EventDestination;
  readonly failedRuns: IQueue;
  /** How long Lambda keeps an event for a run and its retry. */
  readonly eventAge: Duration;
}

/** The function, its log group, and a role that allows its calls and nothing else. */
export class RefreshFunction extends Construct {
  readonly lambdaFunction: LambdaFunction;
  readonly logGroup: LogGroup;
  readonly role: Role;

  constructor(scope: Construct, id: string, props: RefreshFunctionProps) {
    super(scope, id);
    this.logGroup = createLogGroup(this, props.settings);
    this.role = this.createRole(props);
    this.lambdaFunction = this.createFunction(props);
  }

  private createRole({ settings, credentials, tokenSecret, eventDestination, failedRuns }: RefreshFunctionProps): Role {
    const role = createRole(this, 'Refreshes the Retently bearer token in its secret');
    role.addToPolicy(allow('KeepCredentials', CREDENTIALS_ACTIONS, [credentials.policyArn]));
    if (tokenSecret !== undefined) {
      role.addToPolicy(allow('KeepTokenSecret', TOKEN_SECRET_ACTIONS, [tokenSecret.policyArn]));
    }
    allowEvents(role, eventDestination);
    allowLogs(role, this.logGroup);
    role.addToPolicy(allow('KeepFailedRuns', ['sqs:SendMessage'], [failedRuns.queueArn]));
    // Whatever key the secret has now: it may have had another one until a day ago.
    const tokenSecretArns = tokenSecret === undefined ? [] : [tokenSecret.policyArn];
    role.addToPolicy(allowDecryptOf(this, 'ReadUnderOlderKeys', [credentials.policyArn, ...tokenSecretArns]));
    acknowledgeWildcard(
      role,
      'kms',
      'key/*',
      "Bound to the secrets of this stack by the encryption context: nothing else of the account's keys can be read with it.",
    );
    if (settings.kmsKeyArn !== undefined) {
      role.addToPolicy(allowKeyThrough(this, 'EncryptCredentials', 'secretsmanager', settings.kmsKeyArn));
      role.addToPolicy(allowKeyThrough(this, 'EncryptFailedRuns', 'sqs', settings.kmsKeyArn));
    }
    allowOptions(role, settings);
    return role;
  }

  private createFunction(props: RefreshFunctionProps): LambdaFunction {
    const { settings, credentials, tokenSecret, eventDestination, failedRuns, eventAge } = props;
    return createFunction(this, settings, {
      description: 'Keeps the Retently bearer token fresh',
      code: bundledCode('handler'),
      timeout: Duration.seconds(settings.timeoutSeconds),
      environment: {
        [ENVIRONMENT.credentialsSecretId]: credentials.secretId,
        ...refreshEnvironment(settings, eventDestination),
        ...(tokenSecret === undefined ? {} : { [ENVIRONMENT.tokenSecretId]: tokenSecret.secretId }),
      },
      role: this.role,
      logGroup: this.logGroup,
      running: {
        retryAttempts: ATTEMPTS_PER_TICK - 1,
        maxEventAge: eventAge,
        onFailure: { bind: () => ({ destination: failedRuns.queueArn }) },
        ...(settings.reservedConcurrency === undefined
          ? {}
          : { reservedConcurrentExecutions: settings.reservedConcurrency }),
      },
    });
  }
}

const TOKEN_SECRET_ACTIONS = [
  'secretsmanager:DescribeSecret',
  'secretsmanager:GetSecretValue',
  'secretsmanager:PutSecretValue',
  'secretsmanager:UpdateSecretVersionStage',
];
