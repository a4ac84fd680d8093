import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { expect, test, vi } from 'vitest';
import type { FleetTag } from '../../../lambda/contract.ts';
import { SecretsManagerLister } from '../../../lambda/fleet/secrets-manager-lister.ts';
import type { ListedSecret } from '../../../lambda/fleet/sweep-secrets.ts';
import { startLoopbackServer } from '../../sandbox/loopback-server.ts';
import { awsClientOptions } from '../../support/aws-client-options.ts';

vi.stubEnv('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', 'true');

/** Returns the lister's result for these responses, and its requests. */
async function list(tag: FleetTag, answers: readonly object[]) {
  const asked: unknown[] = [];
  const { url, close } = await startLoopbackServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += String(chunk);
    });
    request.on('end', () => response.end(JSON.stringify(answers[asked.push(JSON.parse(body)) - 1] ?? {})));
  });
  const listed: ListedSecret[] = [];
  for await (const page of new SecretsManagerLister(new SecretsManagerClient(awsClientOptions(url))).list(tag)) {
    listed.push(...page);
  }
  await close();
  return { asked, listed };
}

test('it requests pages of a hundred, with the filters that AWS supports', async () => {
  const { asked } = await list({ key: 'retently', value: 'live' }, [{ NextToken: 'more' }, {}]);
  const question = { MaxResults: 100 };
  const Filters = [
    { Key: 'tag-key', Values: ['retently'] },
    { Key: 'tag-value', Values: ['live'] },
  ];
  expect(asked).toEqual([
    { ...question, Filters },
    { ...question, Filters, NextToken: 'more' },
  ]);
  const [any] = (await list({ key: 'retently', value: undefined }, [{}])).asked;
  expect(any).toEqual({ ...question, Filters: [{ Key: 'tag-key', Values: ['retently'] }] });
});

test('it takes ARN, tags and the region of the original, and ends at an empty NextToken, as emulators send it', async () => {
  const SecretList = [
    { ARN: 'one', Tags: [{ Key: 'retently', Value: 'live' }, { Key: 'odd' }], PrimaryRegion: 'eu-west-1' },
    { ARN: 'two', OwningService: 'appflow' },
    { Name: 'without an ARN' },
  ];
  const { asked, listed } = await list({ key: 'retently', value: undefined }, [{ SecretList, NextToken: '' }]);
  expect(listed).toEqual([
    {
      arn: 'one',
      tags: new Map([
        ['retently', 'live'],
        ['odd', ''],
      ]),
      primaryRegion: 'eu-west-1',
      owningService: undefined,
    },
    { arn: 'two', tags: new Map(), primaryRegion: undefined, owningService: 'appflow' },
  ]);
  expect(asked).toHaveLength(1);
});

test('a page that never arrives ends by a timeout, so that the sweep can still report it', async () => {
  const { url, close } = await startLoopbackServer(() => undefined);
  vi.spyOn(AbortSignal, 'timeout').mockImplementation((milliseconds) => {
    expect(milliseconds).toBe(10_000);
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 50);
    return controller.signal;
  });
  const lister = new SecretsManagerLister(new SecretsManagerClient(awsClientOptions(url)));
  const pages = lister.list({ key: 'retently', value: undefined })[Symbol.asyncIterator]();
  await expect(pages.next()).rejects.toMatchObject({
    name: 'STORE_UNAVAILABLE',
    message: expect.stringContaining(' 10 s'),
  });
  vi.restoreAllMocks();
  await close();
});
