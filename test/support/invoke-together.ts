import { type Sandbox, SECRET_ID } from '../sandbox/sandbox.ts';
import { endingOf, until } from './in-sandbox.ts';

/**
 * Forces a refresh in `count` processes at the same time: the first answer is held until all of them have read the
 * credentials and the journal. The sandbox's script must begin with `held`.
 *
 * @returns how each ended
 */
export async function forceTogether(sandbox: Sandbox, count: number): Promise<string[]> {
  sandbox.putCredentials(await sandbox.mintCredentials());
  const lambdas = await Promise.all(Array.from({ length: count }, () => sandbox.startFunction()));
  const running = Promise.all(lambdas.map((lambda) => lambda.invoke({ action: 'refresh', force: true })));
  const readsOf = (stage: string) => sandbox.aws.calls.filter(({ input }) => isRead(input, stage)).length;
  const haveAllRead = () => readsOf('AWSCURRENT') >= count && readsOf('TOKEN_REFRESH') >= count;
  await until(() => haveAllRead() && sandbox.tokenEndpoint.requests.length > 0);
  sandbox.tokenEndpoint.release();
  return (await running).map(endingOf);
}

function isRead(input: object, stage: string): boolean {
  return 'VersionStage' in input && input.VersionStage === stage && 'SecretId' in input && input.SecretId === SECRET_ID;
}
