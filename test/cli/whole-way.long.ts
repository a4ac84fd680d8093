import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EMPTY } from '../../lambda/core/health.ts';
import { REFRESHED } from '../../lambda/core/messages.ts';
import { SECRET_ID } from '../sandbox/sandbox.ts';
import { CHROMIUM, clickThroughPages, startChromium } from '../support/chromium.ts';
import { type Ended, RunningCommand, runCommand } from '../support/command.ts';
import { expectNothingSecret, PAGE_URL } from '../support/command-secrets.ts';
import { type SandboxDeployment, startDeployment } from '../support/deployment.ts';
import { walkThroughPages } from '../support/plain-browser.ts';

/** Goes from the first page to the last one, and returns the text of the last one. */
type Walk = (start: string) => Promise<string>;

const walkPlainly: Walk = async (start) => (await walkThroughPages(start, 'allow')).body;

/** An empty secret, and then each command once. @returns what all of them wrote */
async function goTheWholeWay({ environment, browserOptions, sandbox }: SandboxDeployment, walk: Walk): Promise<string> {
  const screens: string[] = [];
  const keep = ({ stdout, stderr }: Ended) => screens.push(stdout, stderr);
  const before = await runCommand(['status'], environment);
  keep(before);
  expect(before).toMatchObject({ exitCode: 1, stdout: expect.stringContaining(EMPTY.reason) });

  const authorizing = new RunningCommand(['authorize', ...browserOptions], environment);
  const lastPage = await walk(await authorizing.says(PAGE_URL));
  screens.push(lastPage);
  expect(lastPage).toContain('It worked');
  const authorized = await authorizing.ended;
  keep(authorized);
  expect(authorized).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(`refreshed: ${REFRESHED}`) });
  const { access_token: accessToken = '' } = sandbox.readVersion('AWSCURRENT')?.document ?? {};
  expect(await sandbox.authorizationServer.isAccessTokenLive(accessToken)).toBe(true);

  for (const args of [
    ['status', '--json'],
    ['refresh', '--force'],
    ['refresh', '--json'],
  ]) {
    const ended = await runCommand(args, environment);
    keep(ended);
    expect([args, ended.exitCode, ended.stderr]).toEqual([args, 0, '']);
  }

  const probeOptions = [`--api-url=${sandbox.authorizationServer.apiUrl}`, '--yes', '--json'];
  const probing = new RunningCommand(['probe', ...probeOptions, ...browserOptions], environment);
  screens.push(await walk(await probing.says(PAGE_URL)));
  const probed = await probing.ended;
  keep(probed);
  expect(probed.exitCode).toBe(0);
  return screens.join('\n');
}

let deployment: SandboxDeployment;

beforeAll(async () => {
  deployment = await startDeployment();
});

afterAll(() => deployment[Symbol.asyncDispose]());

test('from an empty secret to a refreshed token and a probe, with plain HTTP, and nothing secret on any screen', async () => {
  expectNothingSecret(deployment, await goTheWholeWay(deployment, walkPlainly));
  const labels = deployment.sandbox.aws.secretsManager.describeSecret({ SecretId: SECRET_ID }).VersionIdsToStages;
  expect(Object.values(labels ?? {}).flat()).not.toContain('TOKEN_AUTHORIZATION');
});

describe.skipIf(CHROMIUM === undefined)(
  `in a real browser${CHROMIUM === undefined ? ', SKIPPED: no Chromium is installed here' : ''}`,
  () => {
    let browser: Browser;

    beforeAll(async () => {
      browser = await startChromium();
    });

    afterAll(() => browser.close());

    test('the same way; the last page asks for nothing and shows no code', async () => {
      deployment.sandbox.recreateSecret();
      const hosts = new Set<string>();
      const complaints: string[] = [];
      const walkInChromium: Walk = async (start) => {
        const context = await browser.newContext();
        const page = await context.newPage();
        page.on('request', (request) => hosts.add(new URL(request.url()).hostname));
        page.on('console', (message) => complaints.push(message.text()));
        await clickThroughPages(page, start, 'allow');
        expect(page.url()).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/callback\/done\/[0-9a-f]{32}$/);
        // Style is all that the policy of the page lets through, and it has come through.
        const fontSize = await page.evaluate("getComputedStyle(document.querySelector('h1')).fontSize");
        expect(fontSize).toBe('24px');
        expect(await page.locator('script, img, link, iframe, form').count()).toBe(0);
        const html = await page.content();
        await context.close();
        return html;
      };
      expectNothingSecret(deployment, await goTheWholeWay(deployment, walkInChromium));
      expect([...hosts]).toEqual(['127.0.0.1']);
      expect(complaints.filter((text) => /Content Security Policy|Refused/.test(text))).toEqual([]);
    });
  },
);
