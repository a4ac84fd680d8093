import { EVENT_DETAIL_TYPES } from '../../../lambda/contract.ts';
import type { SandboxOptions } from '../sandbox.ts';
import type { Teller, Tick } from './teller.ts';

export interface Story {
  readonly title: string;
  readonly sandbox: SandboxOptions;
  tell(teller: Teller): Promise<void>;
}

const FORCED = { action: 'refresh', force: true };
const OUTAGE = { status: 503, headers: { 'retry-after': '120' } };
const FRESH_TICK = ['GetSecretValue', 'GetSecretValue', 'GetSecretValue'];

/** One for each way in which a provider can behave. */
export const STORIES = {
  rotation: {
    title: 'Each refresh brings a new refresh token, and the old one is dead.',
    sandbox: { kind: 'rotation' },
    async tell(teller) {
      const before = await configure(teller);
      const first = await teller.tick('First tick');
      const second = await teller.tick('Second tick');
      checks(teller);
      await checkStored(teller);
      await checkToken(teller, 'The old refresh token is dead there', before, false);
      checkRefreshed(teller, first, { posts: 1 });
      checkFresh(teller, 'second', second);
    },
  },
  'no-rotation': {
    title: 'The refresh token stays the same, however often it is used.',
    sandbox: { kind: 'no-rotation' },
    async tell(teller) {
      const before = await configure(teller);
      const first = await teller.tick('First tick');
      const second = await teller.tick('Second tick');
      checks(teller);
      await checkStored(teller);
      const { sandbox } = teller;
      const isKept = sandbox.readVersion('AWSCURRENT')?.document.refresh_token === before;
      teller.check('The refresh token is still the one that somebody put there', isKept);
      checkRefreshed(teller, first, { posts: 1 });
      checkFresh(teller, 'second', second);
    },
  },
  grace: {
    title: 'The first answer is lost on its way; for a while, the server gives another one.',
    sandbox: { kind: 'grace', script: ['lose-answer', 'forward'] },
    async tell(teller) {
      await configure(teller);
      const first = await teller.tick('First tick');
      const second = await teller.tick('Second tick');
      checks(teller);
      await checkStored(teller);
      const sent = teller.sandbox.tokenEndpoint.requests.map(({ form }) => form['refresh_token']);
      teller.check('Both POSTs sent the same refresh token, the second at once', new Set(sent).size === 1);
      checkRefreshed(teller, first, { posts: 2 });
      checkFresh(teller, 'second', second);
    },
  },
  'dead-grant': {
    title: 'Somebody revoked the grant: only a human can help, and is told once.',
    sandbox: { kind: 'rotation' },
    async tell(teller) {
      const { sandbox } = teller;
      const dead = await configure(teller);
      sandbox.authorizationServer.revoke();
      const first = await teller.tick('First tick');
      const second = await teller.tick('Second tick');
      await configure(teller);
      const third = await teller.tick(
        'Somebody authorizes the application again, and puts the new refresh token there',
      );
      checks(teller);
      const isDead = first.ending === 'REAUTHORIZATION_REQUIRED' && second.ending === first.ending;
      teller.check('Both ticks ended in REAUTHORIZATION_REQUIRED', isDead);
      const sent = sandbox.tokenEndpoint.requests.filter(({ form }) => form['refresh_token'] === dead);
      teller.check(
        'The dead token was sent once; the second tick sent nothing',
        sent.length === 1 && !second.postCount,
      );
      const { failed, reauthorizationRequired } = EVENT_DETAIL_TYPES;
      const isTold = isSame(first.events, [failed, reauthorizationRequired]) && isSame(second.events, []);
      teller.check('The world was told by the first tick, not by the second', isTold);
      await checkStored(teller);
      checkRefreshed(teller, third, { posts: 1, isRecovery: true });
    },
  },
  outage: {
    title: 'The token endpoint is out of order for a while.',
    sandbox: { kind: 'rotation', script: [OUTAGE] },
    async tell(teller) {
      const before = await configure(teller);
      const first = await teller.tick('First tick');
      const second = await teller.tick('Second tick');
      teller.sandbox.tokenEndpoint.play('forward');
      const third = await teller.tick('The token endpoint is back, and somebody does not want to wait', FORCED);
      const fourth = await teller.tick('Fourth tick');
      checks(teller);
      const isDown = first.ending === 'PROVIDER_UNAVAILABLE' && first.postCount === 1;
      teller.check('The first tick asked once and ended in PROVIDER_UNAVAILABLE', isDown);
      const isWaiting = second.ending === 'waiting' && second.retryAt !== undefined && second.postCount === 0;
      teller.check('The second tick sent nothing: it waits as long as the server asked for', isWaiting);
      await checkStored(teller);
      await checkToken(teller, 'The old refresh token is dead there', before, false);
      checkRefreshed(teller, third, { posts: 1, isRecovery: true });
      checkFresh(teller, 'fourth', fourth);
    },
  },
} as const satisfies Record<string, Story>;

/** An operator's hand. @returns the refresh token */
async function configure({ sandbox }: Teller): Promise<string> {
  const credentials = await sandbox.mintCredentials();
  sandbox.putCredentials(credentials);
  return credentials.refresh_token;
}

function checks(teller: Teller): void {
  teller.heading('Checked in the books of the stand-ins');
}

async function checkStored(teller: Teller): Promise<void> {
  const { authorizationServer } = teller.sandbox;
  const { access_token: accessToken = '', refresh_token: refreshToken = '' } =
    teller.sandbox.readVersion('AWSCURRENT')?.document ?? {};
  const isIssued = await authorizationServer.isAccessTokenLive(accessToken);
  teller.check('AWSCURRENT holds a bearer token that the authorization server issued and honours', isIssued);
  await checkToken(teller, 'Its refresh token is live there', refreshToken, true);
  const forReaders = teller.sandbox.readTokenSecret();
  const isAlone = Object.keys(forReaders).sort().join() === 'access_token,expires_at,token_type';
  teller.check('The token secret holds that bearer token alone', isAlone && forReaders['access_token'] === accessToken);
}

async function checkToken(teller: Teller, sentence: string, token: string, isLive: boolean): Promise<void> {
  teller.check(sentence, (await teller.sandbox.authorizationServer.isLive(token)) === isLive);
}

function checkRefreshed(teller: Teller, tick: Tick, { posts = 1, isRecovery = false }): void {
  const { refreshed, recovered } = EVENT_DETAIL_TYPES;
  const events = isRecovery ? [refreshed, recovered] : [refreshed];
  const isPosted = tick.ending === 'refreshed' && tick.postCount === posts;
  teller.check(`The refresh took ${posts === 1 ? 'one POST' : `${posts} POSTs`}`, isPosted);
  const sentence = isRecovery ? 'Two events went out, one of them tells of the recovery' : 'One event went out';
  teller.check(sentence, isSame(tick.events, events));
}

function checkFresh(teller: Teller, which: string, tick: Tick): void {
  const isIdle = tick.ending === 'fresh' && isSame(tick.operations, FRESH_TICK) && tick.postCount === 0;
  teller.check(`The ${which} tick cost three reads and nothing else`, isIdle && tick.events.length === 0);
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  return JSON.stringify(some) === JSON.stringify(others);
}
