import { type Sandbox, SECRET_ID } from '../sandbox/sandbox.ts';
import { endingOf, until } from './in-sandbox.ts';

/**
 * Forces a refresh in `count` processes at the same time: the first answer is held until the others wait for
 * it. The sandbox's script must begin with `held`.
 *
 * @returns how each ended
 */
export async function forceTogether(sandbox: Sandbox, count: number): Promise<string[]> {
  sandbox.putCredentials(await sandbox.mintCredentials());
  const lambdas = await Promise.all(Array.from({ length: count }, () => sandbox.startFunction()));
  const running = Promise.all(lambdas.map((lambda) => lambda.invoke({ action: 'refresh', force: true })));
  // A run that has read the credentials twice has seen the claim of the other one, and waits for its end.
  const reads = () => sandbox.aws.calls.filter(({ input }) => isReadOfCurrent(input)).length;
  await until(() => reads() >= 2 * count - 1 && sandbox.tokenEndpoint.requests.length > 0);
  sandbox.tokenEndpoint.release();
  return (await running).map(endingOf);
}

function isReadOfCurrent(input: object): boolean {
  return (
    'VersionStage' in input &&
    input.VersionStage === 'AWSCURRENT' &&
    'SecretId' in input &&
    input.SecretId === SECRET_ID
  );
}
