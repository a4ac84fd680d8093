import type { Duration } from 'aws-cdk-lib';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { ENVIRONMENT } from '../../lambda/contract.ts';
import { ATTEMPTS_PER_TICK } from '../options/schedule-limits.ts';
import type { TokenRefreshSettings } from '../options/schema.ts';
import { acknowledgeWildcard } from './acknowledge.ts';
import type { EventDestination } from './event-destination.ts';
import { OwnFunction } from './own-function.ts';
import { refreshEnvironment } from './refresh-environment.ts';
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

/** The function of one account. */
export class RefreshFunction extends OwnFunction {
  constructor(scope: Construct, id: string, props: RefreshFunctionProps) {
    const { settings, credentials, tokenSecret, eventDestination, failedRuns, eventAge } = props;
    const { encryptionKey, reservedConcurrentExecutions, timeout } = settings;
    const tokenSecretArns = tokenSecret === undefined ? [] : [tokenSecret.policyArn];
    super(scope, id, {
      settings,
      description: 'Keeps the Retently bearer token fresh',
      handler: 'handler',
      timeout,
      environment: {
        [ENVIRONMENT.credentialsSecretId]: credentials.secretId,
        ...refreshEnvironment(settings, eventDestination),
        ...(tokenSecret && { [ENVIRONMENT.tokenSecretId]: tokenSecret.secretId }),
      },
      roleDescription: 'Refreshes the Retently bearer token in its secret',
      statements: [
        allow('KeepCredentials', CREDENTIALS_ACTIONS, [credentials.policyArn]),
        ...tokenSecretArns.map((arn) => allow('KeepTokenSecret', TOKEN_SECRET_ACTIONS, [arn])),
        ...eventDestination.statements,
        allow('KeepFailedRuns', ['sqs:SendMessage'], [failedRuns.queueArn]),
        // Whatever key the secret has now: it may have had another one until a day ago.
        allowDecryptOf(scope, 'ReadUnderOlderKeys', [credentials.policyArn, ...tokenSecretArns]),
        ...allowKeyThrough(scope, 'EncryptCredentials', 'secretsmanager', encryptionKey),
        ...allowKeyThrough(scope, 'EncryptFailedRuns', 'sqs', encryptionKey),
      ],
      running: {
        retryAttempts: ATTEMPTS_PER_TICK - 1,
        maxEventAge: eventAge,
        onFailure: { bind: () => ({ destination: failedRuns.queueArn }) },
        ...(reservedConcurrentExecutions !== undefined && { reservedConcurrentExecutions }),
      },
    });
    acknowledgeWildcard(
      this.role,
      'kms',
      'key/*',
      "Bound to the secrets of this stack by the encryption context: nothing else of the account's keys can be read with it.",
    );
  }
}

const TOKEN_SECRET_ACTIONS = [
  'secretsmanager:DescribeSecret',
  'secretsmanager:GetSecretValue',
  'secretsmanager:PutSecretValue',
  'secretsmanager:UpdateSecretVersionStage',
];
