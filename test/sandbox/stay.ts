import { setInterval } from 'node:timers';
import { FUNCTION_NAME, STACK_NAME, startDeployment } from '../support/deployment.ts';
import { deployFleet, FLEET_NAME } from '../support/fleet.ts';
import { FLEET_TAG } from './fleet.ts';

const TICK_MS = 10 * 60_000;

/** Deploys one account and one fleet, prints how to use the commands with them, and waits for Ctrl-C. */
export async function stay(): Promise<void> {
  await using deployment = await startDeployment();
  await using fleet = await deployFleet(deployment);
  const { sandbox, server, environment } = deployment;
  fleet.addStack(FLEET_NAME, FLEET_TAG);
  sandbox.putCredentials(await sandbox.mintCredentials());
  // One after the other: the process of the function serves one event at a time.
  for (const name of ['acme', 'globex']) await fleet.createFresh(name);
  fleet.createSecret('initech');
  const tick = async () => {
    server.lastTickAt = new Date();
    await server.functions.get(FUNCTION_NAME)?.invoke({});
  };
  await tick();
  const ticking = setInterval(() => void tick().catch(() => undefined), TICK_MS);
  const { authorizationUrl, apiUrl } = sandbox.authorizationServer;
  const stopped = toBeStopped();
  console.log(toInstructions(environment, authorizationUrl, apiUrl));
  await stopped;
  clearInterval(ticking);
  console.log('\nStopping.');
}

/** Replaces the handlers that would end the process before it has closed its servers. */
async function toBeStopped(): Promise<void> {
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.removeAllListeners(signal);
      process.once(signal, () => resolve());
    }
  });
}

function toInstructions(environment: Readonly<Record<string, string>>, pages: string, api: string): string {
  const variables = {
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'sandbox',
    AWS_SECRET_ACCESS_KEY: 'sandbox',
    ...environment,
  };
  const exported = Object.entries(variables).map(([name, value]) => `export ${name}=${value}`);
  return `The stand-ins for AWS and Retently run on 127.0.0.1 until you press Ctrl-C.
In another terminal, in this directory, paste these lines:

unset AWS_PROFILE AWS_SESSION_TOKEN
${exported.join('\n')}

Then try the commands. A browser opens the consent page; sign in with any name and password.

npm run status
npm run refresh -- --stack ${STACK_NAME} --force
npm run authorize -- --stack ${STACK_NAME} --authorization-endpoint ${pages}
npm run authorize -- --stack ${FLEET_NAME} --secret-id initech --authorization-endpoint ${pages}
npm run probe -- --stack ${STACK_NAME} --grace-seconds 5 --authorization-endpoint ${pages} --api-url ${api}

Without a browser on this machine, add --manual.`;
}
