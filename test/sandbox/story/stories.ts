import { EVENT_DETAIL_TYPES } from '../../../lambda/contract.ts';
import type { SandboxOptions } from '../sandbox.ts';
import type { StoryLog, Tick } from './story-log.ts';

export interface Story {
  readonly title: string;
  readonly sandbox: SandboxOptions;
  play(log: StoryLog): Promise<void>;
}

const FORCED = { action: 'refresh', force: true };
const OUTAGE = { status: 503, headers: { 'retry-after': '120' } };
const FRESH_TICK = ['GetSecretValue', 'GetSecretValue', 'GetSecretValue'];

/** Stories, one for each way in which a provider can behave. */
export const STORIES = {
  rotation: {
    title: 'Each refresh returns a new refresh token, and the old one stops working.',
    sandbox: { kind: 'rotation' },
    async play(log) {
      const before = await configure(log);
      const first = await log.tick('First tick');
      const second = await log.tick('Second tick');
      checks(log);
      await checkStored(log);
      await checkToken(log, 'The server rejects the old refresh token', before, false);
      checkRefreshed(log, first, { posts: 1 });
      checkFresh(log, 'second', second);
    },
  },
  'no-rotation': {
    title: 'The refresh token stays the same, however often it is used.',
    sandbox: { kind: 'no-rotation' },
    async play(log) {
      const before = await configure(log);
      const first = await log.tick('First tick');
      const second = await log.tick('Second tick');
      checks(log);
      await checkStored(log);
      const { sandbox } = log;
      const isKept = sandbox.readVersion('AWSCURRENT')?.document.refresh_token === before;
      log.check('The refresh token has not changed', isKept);
      checkRefreshed(log, first, { posts: 1 });
      checkFresh(log, 'second', second);
    },
  },
  grace: {
    title: 'The first answer is lost; for a while, the server repeats it.',
    sandbox: { kind: 'grace', script: ['lose-answer', 'forward'] },
    async play(log) {
      await configure(log);
      const first = await log.tick('First tick');
      const second = await log.tick('Second tick');
      checks(log);
      await checkStored(log);
      const sent = log.sandbox.tokenEndpoint.requests.map(({ form }) => form['refresh_token']);
      log.check('Both POSTs sent the same refresh token, the second immediately', new Set(sent).size === 1);
      checkRefreshed(log, first, { posts: 2 });
      checkFresh(log, 'second', second);
    },
  },
  'revoked-grant': {
    title: 'The grant is revoked; an admin is notified once.',
    sandbox: { kind: 'rotation' },
    async play(log) {
      const { sandbox } = log;
      const revoked = await configure(log);
      sandbox.authorizationServer.revoke();
      const first = await log.tick('First tick');
      const second = await log.tick('Second tick');
      await configure(log);
      const third = await log.tick('An admin authorizes the application again, which stores a new refresh token');
      checks(log);
      const isRejected = first.ending === 'REAUTHORIZATION_REQUIRED' && second.ending === first.ending;
      log.check('Both ticks ended in REAUTHORIZATION_REQUIRED', isRejected);
      const sent = sandbox.tokenEndpoint.requests.filter(({ form }) => form['refresh_token'] === revoked);
      log.check(
        'The revoked token was sent once; the second tick sent nothing',
        sent.length === 1 && !second.postCount,
      );
      const { failed, reauthorizationRequired } = EVENT_DETAIL_TYPES;
      const isTold = isSame(first.events, [failed, reauthorizationRequired]) && isSame(second.events, []);
      log.check('The first tick published events; the second did not', isTold);
      await checkStored(log);
      checkRefreshed(log, third, { posts: 1, isRecovery: true });
    },
  },
  outage: {
    title: 'The token endpoint is unavailable for a while.',
    sandbox: { kind: 'rotation', script: [OUTAGE] },
    async play(log) {
      const before = await configure(log);
      const first = await log.tick('First tick');
      const second = await log.tick('Second tick');
      log.sandbox.tokenEndpoint.play('forward');
      const third = await log.tick('The token endpoint is back, and a person forces a refresh', FORCED);
      const fourth = await log.tick('Fourth tick');
      checks(log);
      const isDown = first.ending === 'PROVIDER_UNAVAILABLE' && first.postCount === 1;
      log.check('The first tick sent one POST and ended in PROVIDER_UNAVAILABLE', isDown);
      const isWaiting = second.ending === 'waiting' && second.retryAt !== undefined && second.postCount === 0;
      log.check('The second tick sent nothing: it waits for the time in Retry-After', isWaiting);
      await checkStored(log);
      await checkToken(log, 'The server rejects the old refresh token', before, false);
      checkRefreshed(log, third, { posts: 1, isRecovery: true });
      checkFresh(log, 'fourth', fourth);
    },
  },
} as const satisfies Record<string, Story>;

/** Stores new credentials, as an operator does. @returns the refresh token */
async function configure({ sandbox }: StoryLog): Promise<string> {
  const credentials = await sandbox.mintCredentials();
  sandbox.putCredentials(credentials);
  return credentials.refresh_token;
}

function checks(log: StoryLog): void {
  log.heading('Checked in the records of the stand-ins');
}

async function checkStored(log: StoryLog): Promise<void> {
  const { authorizationServer } = log.sandbox;
  const { access_token: accessToken = '', refresh_token: refreshToken = '' } =
    log.sandbox.readVersion('AWSCURRENT')?.document ?? {};
  const isIssued = await authorizationServer.isAccessTokenLive(accessToken);
  log.check('AWSCURRENT holds an access token that the authorization server issued and accepts', isIssued);
  await checkToken(log, 'The server accepts the refresh token of AWSCURRENT', refreshToken, true);
  const forReaders = log.sandbox.readTokenSecret();
  const isAlone = Object.keys(forReaders).sort().join() === 'access_token,expires_at,token_type';
  log.check('The token secret holds only that access token', isAlone && forReaders['access_token'] === accessToken);
}

async function checkToken(log: StoryLog, sentence: string, token: string, isLive: boolean): Promise<void> {
  log.check(sentence, (await log.sandbox.authorizationServer.isLive(token)) === isLive);
}

function checkRefreshed(log: StoryLog, tick: Tick, { posts = 1, isRecovery = false }): void {
  const { refreshed, recovered } = EVENT_DETAIL_TYPES;
  const events = isRecovery ? [refreshed, recovered] : [refreshed];
  const isPosted = tick.ending === 'refreshed' && tick.postCount === posts;
  log.check(`The refresh took ${posts === 1 ? 'one POST' : `${posts} POSTs`}`, isPosted);
  const sentence = isRecovery ? 'Two events were published, one of them for the recovery' : 'One event was published';
  log.check(sentence, isSame(tick.events, events));
}

function checkFresh(log: StoryLog, which: string, tick: Tick): void {
  const isIdle = tick.ending === 'fresh' && isSame(tick.operations, FRESH_TICK) && tick.postCount === 0;
  log.check(`The ${which} tick cost three reads and nothing else`, isIdle && tick.events.length === 0);
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  return JSON.stringify(some) === JSON.stringify(others);
}
