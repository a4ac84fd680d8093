import { CreateSecretCommand, DescribeSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FLEET_TAG } from '../sandbox/fleet.ts';
import { awsClientOptions } from '../support/aws-client-options.ts';
import { RunningCommand, runCommand } from '../support/command.ts';
import { PAGE_URL } from '../support/command-secrets.ts';
import { type SandboxDeployment, startDeployment } from '../support/deployment.ts';
import { deployFleet, FLEET_NAME, REFRESH_NAME, type SandboxFleet } from '../support/fleet.ts';
import { isMotoInstalled, type MotoServer, startMoto } from '../support/moto-server.ts';
import { walkThroughPages } from '../support/plain-browser.ts';

const IS_THERE = isMotoInstalled();
/** More than a page. */
const SECRETS = 103;

describe.skipIf(!IS_THERE)(
  `a fleet in the Secrets Manager that moto plays${IS_THERE ? '' : ', SKIPPED: moto_server is not installed here'}`,
  () => {
    let moto: MotoServer;
    let deployment: SandboxDeployment;
    let fleet: SandboxFleet;
    let secretsManager: SecretsManagerClient;

    beforeAll(async () => {
      [moto, deployment] = await Promise.all([startMoto(), startDeployment()]);
      fleet = await deployFleet(deployment);
      deployment.server.stacks.clear();
      fleet.addStack(FLEET_NAME, FLEET_TAG);
      // The bundle in the sandbox does not know the secrets in moto.
      const denied = { errorType: 'STORE_DENIED', errorMessage: 'Refused.', trace: [], members: {}, inspected: '' };
      deployment.server.functions.set(REFRESH_NAME, {
        ...fleet.refresh,
        invoke: async () => ({ kind: 'error', ...denied }),
      });
      secretsManager = new SecretsManagerClient(awsClientOptions(moto.url));
      for (let number = 0; number < SECRETS; number += 1) await create(`kept-${number}`, FLEET_TAG);
      await create('longer-key', { ...FLEET_TAG, Key: `${FLEET_TAG.Key}-old` });
      await create('longer-value', { ...FLEET_TAG, Value: `${FLEET_TAG.Value}-old` });
    });

    afterAll(async () => {
      await fleet[Symbol.asyncDispose]();
      await deployment[Symbol.asyncDispose]();
      await moto.close();
    });

    const create = (Name: string, tag: typeof FLEET_TAG) =>
      secretsManager.send(new CreateSecretCommand({ Name, Tags: [tag] }));
    const environment = () => ({ ...deployment.environment, AWS_ENDPOINT_URL_SECRETS_MANAGER: moto.url });

    test('is listed page by page, and by the whole tag', async () => {
      const { exitCode, stdout } = await runCommand(['status', '--json'], environment());
      const counts = { healthy: 0, attention: SECRETS, unknown: 0 };
      expect(JSON.parse(stdout)).toMatchObject([{ fleet: FLEET_NAME, counts }]);
      expect(stdout).not.toContain('longer');
      expect(exitCode).toBe(1);
    });

    test('gets a secret with the tag by authorize', async () => {
      const args = ['authorize', ...deployment.browserOptions, '--secret-id', 'acme', '--yes'];
      const command = new RunningCommand(args, environment());
      await walkThroughPages(await command.says(PAGE_URL), 'allow');
      // The credentials are stored. The proof has reported that this function may not read them.
      expect(await command.ended).toMatchObject({ exitCode: 1, stdout: expect.stringMatching(/^STORE_DENIED: /) });
      const { Tags, VersionIdsToStages } = await secretsManager.send(new DescribeSecretCommand({ SecretId: 'acme' }));
      expect(Tags).toEqual([FLEET_TAG]);
      expect(Object.values(VersionIdsToStages ?? {})).toEqual([['AWSCURRENT']]);
    });
  },
);
