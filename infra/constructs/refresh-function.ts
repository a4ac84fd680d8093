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
  /** Maximum age of an event, including the wait for a retry. */
  readonly eventAge: Duration;
}

/** Function that refreshes the token of one account. */
export class RefreshFunction extends OwnFunction {
  constructor(scope: Construct, id: string, props: RefreshFunctionProps) {
    const { settings, credentials, tokenSecret, eventDestination, failedRuns, eventAge } = props;
    const { encryptionKey, reservedConcurrentExecutions, timeout } = settings;
    const tokenSecretArns = tokenSecret === undefined ? [] : [tokenSecret.policyArn];
    super(scope, id, {
      settings,
      description: 'Keeps the Retently access token valid',
      handler: 'handler',
      timeout,
      environment: {
        [ENVIRONMENT.credentialsSecretId]: credentials.secretId,
        ...refreshEnvironment(settings, eventDestination),
        ...(tokenSecret && { [ENVIRONMENT.tokenSecretId]: tokenSecret.secretId }),
      },
      roleDescription: 'Refreshes the Retently access token in its secret',
      statements: [
        allow('KeepCredentials', CREDENTIALS_ACTIONS, [credentials.policyArn]),
        ...tokenSecretArns.map((arn) => allow('KeepTokenSecret', TOKEN_SECRET_ACTIONS, [arn])),
        ...eventDestination.statements,
        allow('KeepFailedRuns', ['sqs:SendMessage'], [failedRuns.queueArn]),
        // With any key, because versions of the last day may be encrypted with an earlier one.
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
      "The encryption context restricts this to the secrets of this stack. Nothing else under the account's keys can be read with it.",
    );
  }
}

const TOKEN_SECRET_ACTIONS = [
  'secretsmanager:DescribeSecret',
  'secretsmanager:GetSecretValue',
  'secretsmanager:PutSecretValue',
  'secretsmanager:UpdateSecretVersionStage',
];
