import { describe, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../sandbox/sandbox.ts';
import { endingOf, expectNoLeak } from '../support/in-sandbox.ts';
import { isDjangoOAuthToolkitInstalled, startDjangoOAuthToolkit } from './django-oauth-toolkit.ts';
import { type ForeignServer, requestToken } from './foreign-server.ts';
import { isGlewlwydInstalled, startGlewlwyd } from './glewlwyd.ts';

interface Kind {
  readonly name: string;
  readonly isInstalled: boolean;
  readonly start: () => Promise<ForeignServer>;
  /** Result of a run that sends a refresh token which was already used. */
  readonly used: string;
  /** Result of a run that lost an answer and sent its refresh token again. */
  readonly lostAnswer: string;
  /** Result with a wrong client secret, and after the secret was corrected. */
  readonly wrongSecret: string;
  readonly correctedSecret: string;
}

const KINDS: readonly Kind[] = [
  {
    name: 'Glewlwyd, where a second use revokes the grant and every rejection is an empty 400',
    isInstalled: isGlewlwydInstalled(),
    start: startGlewlwyd,
    used: 'PROVIDER_UNAVAILABLE',
    lostAnswer: 'PROVIDER_AMBIGUOUS',
    wrongSecret: 'PROVIDER_UNAVAILABLE',
    // The request with the wrong secret used up the refresh token.
    correctedSecret: 'PROVIDER_UNAVAILABLE',
  },
  {
    name: 'django-oauth-toolkit without a grace period',
    isInstalled: isDjangoOAuthToolkitInstalled(),
    start: () => startDjangoOAuthToolkit(0),
    used: 'REAUTHORIZATION_REQUIRED',
    lostAnswer: 'REAUTHORIZATION_REQUIRED',
    wrongSecret: 'CLIENT_REJECTED',
    correctedSecret: 'refreshed',
  },
  {
    name: 'django-oauth-toolkit with a grace period of 60 seconds',
    isInstalled: isDjangoOAuthToolkitInstalled(),
    start: () => startDjangoOAuthToolkit(60),
    used: 'refreshed',
    lostAnswer: 'refreshed',
    wrongSecret: 'CLIENT_REJECTED',
    correctedSecret: 'refreshed',
  },
];

const FORCE = { action: 'refresh', force: true };
const FOUR_HOURS_MS = 4 * 3_600_000;

describe.each(KINDS)('the deployed bundle and $name', ({ isInstalled, start, ...expected }) => {
  const testHere = test.skipIf(!isInstalled);

  testHere('refreshes, rotates, and stores each new pair', async () => {
    await using world = await startWorld(start);
    const { lambda, readTokens, sandbox } = world;
    const first = await world.authorize();
    expect(endingOf(await lambda.invoke({}))).toBe('refreshed');
    const second = readTokens();
    expect(second.refresh_token).not.toBe(first.refresh_token);
    expect(endingOf(await lambda.invoke({}))).toBe('fresh');
    expect(endingOf(await lambda.invoke({}, { clockOffsetMs: FOUR_HOURS_MS }))).toBe('refreshed');
    expect(readTokens().refresh_token).not.toBe(second.refresh_token);
    expect(sandbox.tokenEndpoint.requests).toHaveLength(2);
  });

  testHere('reports a refresh token that something else used, and recovers with a new grant', async () => {
    await using world = await startWorld(start);
    const { lambda, server } = world;
    const { refresh_token } = await world.authorize();
    await requestToken(server, { grant_type: 'refresh_token', refresh_token });
    expect(endingOf(await lambda.invoke({}))).toBe(expected.used);
    await world.authorize();
    expect(endingOf(await lambda.invoke({}))).toBe('refreshed');
  });

  testHere('reports a wrong client secret', async () => {
    await using world = await startWorld(start);
    const { lambda } = world;
    const { refresh_token } = await world.authorize({ client_secret: 'wrong' });
    expect(endingOf(await lambda.invoke({}))).toBe(expected.wrongSecret);
    world.store({ refresh_token });
    expect(endingOf(await lambda.invoke(FORCE))).toBe(expected.correctedSecret);
  });

  testHere('sends the token once more after a lost answer, and recovers with a new grant', async () => {
    await using world = await startWorld(start);
    const { lambda, sandbox } = world;
    await world.authorize();
    sandbox.tokenEndpoint.play('lose-answer', 'forward');
    expect(endingOf(await lambda.invoke({}))).toBe(expected.lostAnswer);
    expect(sandbox.tokenEndpoint.requests).toHaveLength(2);
    await world.authorize();
    expect(endingOf(await lambda.invoke({}))).toBe('refreshed');
  });
});

async function startWorld(start: () => Promise<ForeignServer>) {
  const server = await start();
  const sandbox = await startSandbox({ upstream: server.tokenEndpointUrl });
  const lambda = await sandbox.startFunction();
  /** Stores credentials as an operator does. */
  const store = (document: object) => {
    sandbox.putCredentials({ client_id: server.clientId, client_secret: server.clientSecret, ...document });
  };
  const authorize = async (changed: object = {}) => {
    const { refresh_token } = await server.authorize();
    store({ refresh_token, ...changed });
    return { refresh_token };
  };
  return {
    server,
    sandbox,
    lambda,
    store,
    authorize,
    readTokens: () => readTokens(sandbox),
    async [Symbol.asyncDispose]() {
      await expectNoLeak(sandbox);
      await sandbox[Symbol.asyncDispose]();
      await server.close();
    },
  };
}

function readTokens(sandbox: Sandbox) {
  return sandbox.readVersion('AWSCURRENT')?.document ?? {};
}
