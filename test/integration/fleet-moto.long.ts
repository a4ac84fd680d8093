import { CreateSecretCommand, GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { CreateQueueCommand, DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { describe, expect, test, vi } from 'vitest';
import { ENVIRONMENT, FLEET_ENVIRONMENT } from '../../lambda/contract.ts';
import { FLEET_TAG } from '../sandbox/fleet.ts';
import { bundleOnce } from '../sandbox/lambda/bundle.ts';
import { type LambdaProcess, startLambdaProcess } from '../sandbox/lambda/lambda-process.ts';
import { startAuthorizationServer } from '../sandbox/oauth/authorization-server.ts';
import { awsClientOptions } from '../support/aws-client-options.ts';
import { isMotoInstalled, startMoto } from '../support/moto-server.ts';

vi.stubEnv('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', 'true');

const ENVIRONMENTS = 3;
/** moto's own account. */
const PLACE = { accountId: '123456789012' };

/** A sweep queues so few without a pace, so no run waits for its turn. */
const FLEET_SECRETS = 10;
const isInstalled = isMotoInstalled();

describe.skipIf(!isInstalled)(`on moto${isInstalled ? '' : ' (SKIPPED: moto_server is not installed here)'}`, () => {
  test(`a sweep, its queue and the refresh keep ${FLEET_SECRETS} secrets`, async () => {
    await using moto = await startMoto();
    await using authorizationServer = await startAuthorizationServer({ kind: 'rotation' });
    const secretsManager = new SecretsManagerClient(awsClientOptions(moto.url));
    const sqs = new SQSClient(awsClientOptions(moto.url));
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'refresh' }));
    const { QueueUrl: retryQueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'retries' }));
    const names = Array.from({ length: FLEET_SECRETS }, (_, index) => `retently/account-${index}`);
    const { clientId, clientSecret } = authorizationServer;
    for (const Name of names) {
      const refreshToken = await authorizationServer.mintRefreshToken();
      const document = { client_id: clientId, client_secret: clientSecret, refresh_token: refreshToken };
      const SecretString = JSON.stringify(document);
      await secretsManager.send(new CreateSecretCommand({ Name, SecretString, Tags: [FLEET_TAG] }));
    }
    await secretsManager.send(new CreateSecretCommand({ Name: 'other', SecretString: '{}' }));

    const start = (name: 'sweep' | 'refresh-message') =>
      startLambdaProcess({
        bundlePath: bundleOnce(name),
        ...PLACE,
        environment: {
          AWS_ENDPOINT_URL_SECRETS_MANAGER: moto.url,
          AWS_ENDPOINT_URL_SQS: moto.url,
          [FLEET_ENVIRONMENT.tagKey]: FLEET_TAG.Key,
          [FLEET_ENVIRONMENT.tagValue]: FLEET_TAG.Value,
          [FLEET_ENVIRONMENT.queueUrl]: QueueUrl ?? '',
          [FLEET_ENVIRONMENT.retryQueueUrl]: retryQueueUrl ?? '',
          [ENVIRONMENT.tokenEndpoint]: authorizationServer.url,
          [ENVIRONMENT.eventBusName]: '',
        },
      });
    await using sweep = await start('sweep');
    const refreshes = await Promise.all(Array.from({ length: ENVIRONMENTS }, () => start('refresh-message')));

    // At least once: moto gives two receivers one message now and then.
    const tick = async (): Promise<ReadonlySet<string>> => {
      const swept = await sweep.invoke({});
      expect(swept).toMatchObject({ kind: 'result', result: { listed: FLEET_SECRETS, queued: FLEET_SECRETS } });
      const drained = await Promise.all(refreshes.map((lambda) => drain(lambda, sqs, QueueUrl)));
      return new Set(drained.flat());
    };
    expect((await tick()).size).toBe(FLEET_SECRETS);
    const tokens = new Set<string>();
    for (const SecretId of names) {
      const current = new GetSecretValueCommand({ SecretId, VersionStage: 'AWSCURRENT' });
      const { SecretString = '{}' } = await secretsManager.send(current);
      const { access_token: token } = JSON.parse(SecretString);
      expect(await authorizationServer.isAccessTokenLive(token), SecretId).toBe(true);
      tokens.add(token);
    }
    expect(tokens.size).toBe(FLEET_SECRETS);

    // BatchGetSecretValue of moto still returns the first value of each secret, so the sweep queues all. The runs find them fresh.
    expect((await tick()).size).toBe(FLEET_SECRETS);
    await Promise.all(refreshes.map((lambda) => lambda.stop()));
    const outcomes = refreshes.flatMap(({ stdout }) =>
      [...stdout.matchAll(/"outcome":"(\w+)"/g)].map(([, end]) => end),
    );
    expect(outcomes.filter((end) => end === 'refreshed')).toHaveLength(FLEET_SECRETS);
    expect(outcomes.filter((end) => end === 'fresh').length).toBeGreaterThanOrEqual(FLEET_SECRETS);
  });
});

/** Simulates Lambda's event source mapping with one execution environment. @returns the bodies of completed messages */
async function drain(lambda: LambdaProcess, sqs: SQSClient, QueueUrl: string | undefined): Promise<readonly string[]> {
  const done: string[] = [];
  for (;;) {
    const receive = new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 360 });
    const { Messages = [] } = await sqs.send(receive);
    if (Messages.length === 0) return done;
    for (const { MessageId: messageId = '', Body: body = '', ReceiptHandle } of Messages) {
      const invocation = await lambda.invoke({ Records: [{ eventSource: 'aws:sqs', messageId, body }] });
      expect(invocation).toEqual({ kind: 'result', result: { batchItemFailures: [] } });
      await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
      done.push(body);
    }
  }
}
