import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { SECRET_ID } from '../sandbox/sandbox.ts';
import { CommandInTerminal, CTRL_C, CTRL_T, ENTER, isPythonInstalled } from '../support/command-in-terminal.ts';
import { expectNothingSecret, PAGE_URL } from '../support/command-secrets.ts';
import { ALARM_NAME, type SandboxDeployment, startDeployment } from '../support/deployment.ts';
import { walkThroughPages } from '../support/plain-browser.ts';

const IS_THERE = isPythonInstalled();
const REDIRECT_URI = 'https://client.example/callback';

describe.skipIf(!IS_THERE)(
  `in a terminal${IS_THERE ? '' : ', SKIPPED: python3, which opens a pseudo-terminal, is not installed here'}`,
  () => {
    let deployment: SandboxDeployment;
    const commands: CommandInTerminal[] = [];

    beforeAll(async () => {
      deployment = await startDeployment();
    });

    beforeEach(() => deployment.sandbox.recreateSecret());

    afterAll(async () => {
      await using ending = deployment;
      expectNothingSecret(ending, commands.map(({ screen }) => screen).join('\n'));
    });

    const open = (args: readonly string[], environment: Readonly<Record<string, string | undefined>> = {}) => {
      const command = new CommandInTerminal(args, { ...deployment.environment, ...environment });
      commands.push(command);
      return command;
    };
    const authorize = (...args: readonly string[]) => ['authorize', ...deployment.browserOptions, ...args];
    const nothingKnown = { RETENTLY_CLIENT_ID: undefined, RETENTLY_CLIENT_SECRET: undefined };
    const isStored = () => deployment.sandbox.readVersion('AWSCURRENT') !== undefined;

    test('asks for client id and secret, does not echo the secret, and takes a pasted address', async () => {
      const { clientId, clientSecret } = deployment.sandbox.authorizationServer;
      const command = open(authorize('--manual', '--redirect-uri', REDIRECT_URI), nothingKnown);
      await command.shows(/Client ID of the application/);
      command.type(clientId + ENTER);
      await command.shows(/Client Secret of the application \(not shown\)/);
      // In other prompts of this kind, Ctrl-T shows what was typed.
      for (const keys of [clientSecret, CTRL_T, ENTER]) command.type(keys);
      const url = await command.shows(PAGE_URL);
      const redirected = await walkThroughPages(url, 'allow', REDIRECT_URI);
      await command.shows(/Paste that address here/);
      command.type(redirected.url.href + ENTER);
      expect(await command.exitCode).toBe(0);
      expect(isStored()).toBe(true);
      expect(command.screen).not.toContain(clientSecret);
      expect(command.screen).toContain('█');
    });

    test.each<[string, (command: CommandInTerminal) => Promise<unknown>]>([
      ['the client id', (command) => command.shows(/Client ID of the application/)],
      [
        'the client secret',
        async (command) => {
          await command.shows(/Client ID of the application/);
          command.type(`app${ENTER}`);
          await command.shows(/Client Secret of the application/);
        },
      ],
    ])('Ctrl-C at the question for %s stores nothing', async (_what, toQuestion) => {
      const command = open(authorize(), nothingKnown);
      await toQuestion(command);
      command.type(CTRL_C);
      expect(await command.exitCode).toBe(130);
      expect(command.screen).not.toMatch(/\n\s+at /);
      expect(isStored()).toBe(false);
    });

    test.each([
      ['Enter stores the grant once the cause is fixed', ENTER, 0],
      ["'discard' gives the grant up", `discard${ENTER}`, 1],
    ])('storing fails: %s', async (_what, keys, exitCode) => {
      deployment.sandbox.aws.inject({ operation: 'PutSecretValue', kind: 'access-denied', times: 1 });
      const command = open(authorize());
      const walking = walkThroughPages(await command.shows(PAGE_URL), 'allow');
      await command.shows(/Press Enter to try again/);
      command.type(keys);
      await walking;
      expect(await command.exitCode).toBe(exitCode);
      expect(isStored()).toBe(exitCode === 0);
    });

    test('Ctrl-C twice gives the grant up, and once does not', async () => {
      deployment.sandbox.aws.inject({ operation: 'PutSecretValue', kind: 'access-denied', times: 1 });
      const command = open(authorize());
      const walking = walkThroughPages(await command.shows(PAGE_URL), 'allow');
      await command.shows(/Press Enter to try again/);
      command.type(CTRL_C);
      await command.shows(/Press Ctrl-C again/);
      command.type(CTRL_C);
      await walking;
      expect(await command.exitCode).toBe(1);
      expect(isStored()).toBe(false);
    });

    test.each([
      ['no keeps theirs', ENTER, 1],
      ['yes stores the new ones', `y${ENTER}`, 0],
    ])(
      'someone else stores credentials meanwhile, and the question names the place: %s',
      async (_what, keys, exitCode) => {
        const { sandbox } = deployment;
        const theirs = await sandbox.mintCredentials();
        const command = open(authorize());
        const url = await command.shows(PAGE_URL);
        sandbox.putCredentials(theirs);
        const walking = walkThroughPages(url, 'allow');
        await command.shows(/Replace theirs[\s\S]*000000000000[\s\S]*us-east-1/);
        command.type(keys);
        await walking;
        expect(await command.exitCode).toBe(exitCode);
        const isTheirs = sandbox.readVersion('AWSCURRENT')?.document['refresh_token'] === theirs.refresh_token;
        expect(isTheirs).toBe(exitCode === 1);
      },
    );

    test.each([
      ['no leaves it unchanged', ENTER, 1],
      ['yes adds the credentials', `y${ENTER}`, 0],
    ])('the secret of another program, even with --yes: %s', async (_what, keys, exitCode) => {
      const { secretsManager } = deployment.sandbox.aws;
      const SecretString = JSON.stringify({ client_id: 'retently-app', client_secret: 'x', host: 'db' });
      secretsManager.putSecretValue({ SecretId: SECRET_ID, SecretString });
      const command = open(authorize('--yes'));
      await command.shows(/host[\s\S]*Add Retently/);
      command.type(keys);
      if (exitCode === 0) await walkThroughPages(await command.shows(PAGE_URL), 'allow');
      expect(await command.exitCode).toBe(exitCode);
      const stored = secretsManager.getSecretValue({ SecretId: SECRET_ID }).SecretString ?? '';
      if (exitCode === 1) expect(stored).toBe(SecretString);
      else expect(JSON.parse(stored)).toMatchObject({ host: 'db', refresh_token: expect.any(String) });
    });

    test('an address that cannot be used is asked for again', async () => {
      const command = open(authorize('--manual', '--redirect-uri', REDIRECT_URI));
      const url = await command.shows(PAGE_URL);
      const redirected = await walkThroughPages(url, 'allow', REDIRECT_URI);
      await command.shows(/Paste that address here/);
      command.type(`hello${ENTER}`);
      // Until the next prompt appears, the terminal echoes typed characters.
      await command.shows(/cannot be used[\s\S]*Paste that address here/);
      command.type(redirected.url.search.slice(1) + ENTER);
      expect(await command.exitCode).toBe(0);
    });

    test('Ctrl-C at the prompt for an address, and while the command waits for the browser', async () => {
      const pasting = open(authorize('--manual'));
      await pasting.shows(/Paste that address here/);
      pasting.type(CTRL_C);
      const waiting = open(authorize());
      await waiting.shows(/Waiting for the browser … 1 s/);
      waiting.type(CTRL_C);
      expect(await Promise.all([pasting.exitCode, waiting.exitCode])).toEqual([130, 130]);
      expect(isStored()).toBe(false);
    });

    test('a pasted address whose code was used before', async () => {
      const used = open(authorize('--manual', '--redirect-uri', REDIRECT_URI));
      const redirected = await walkThroughPages(await used.shows(PAGE_URL), 'allow', REDIRECT_URI);
      await deployment.sandbox.authorizationServer.spendCode(redirected.url.searchParams.get('code') ?? '');
      await used.shows(/Paste that address here/);
      used.type(redirected.url.href + ENTER);
      expect(await used.exitCode).toBe(1);
      expect(isStored()).toBe(false);
    });

    test('asks before it replaces credentials that may still work; Enter means no', async () => {
      const { sandbox } = deployment;
      const minted = await sandbox.mintCredentials();
      sandbox.putCredentials(minted);
      const no = open(authorize());
      await no.shows(/Replace the refresh token in/);
      no.type(ENTER);
      const stopped = open(authorize());
      await stopped.shows(/Replace the refresh token in/);
      stopped.type(CTRL_C);
      expect(await Promise.all([no.exitCode, stopped.exitCode])).toEqual([1, 130]);
      expect(sandbox.readVersion('AWSCURRENT')?.document).toEqual(minted);

      const yes = open(authorize());
      await yes.shows(/Replace the refresh token in/);
      yes.type(`y${ENTER}`);
      await walkThroughPages(await yes.shows(PAGE_URL), 'allow');
      expect(await yes.exitCode).toBe(0);
    });

    test('the probe warns and asks before it begins', async () => {
      const before = deployment.sandbox.tokenEndpoint.requests.length;
      const no = open(['probe', ...deployment.browserOptions]);
      await no.shows(/000000000000[\s\S]*us-east-1[\s\S]*RetentlyCredentials[\s\S]*Start/);
      no.type(`n${ENTER}`);
      const stopped = open(['probe', ...deployment.browserOptions]);
      await stopped.shows(/Start/);
      stopped.type(CTRL_C);
      expect(await Promise.all([no.exitCode, stopped.exitCode])).toEqual([1, 130]);
      expect(deployment.sandbox.tokenEndpoint.requests).toHaveLength(before);
    });

    test('status has colors, unless NO_COLOR is set', async () => {
      const [painted, plain] = [open(['status']), open(['status'], { NO_COLOR: '1' })];
      expect(await Promise.all([painted.exitCode, plain.exitCode])).toEqual([1, 1]);
      expect(painted.screen).toContain('\u001b[1m');
      expect(plain.screen).not.toContain('\u001b[');
      expect(plain.screen).not.toContain(ALARM_NAME);
    });
  },
);
