import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { FLEET_TAG } from '../sandbox/fleet.ts';
import { RunningCommand, runCommand } from '../support/command.ts';
import { PAGE_URL } from '../support/command-secrets.ts';
import { type SandboxDeployment, startDeployment } from '../support/deployment.ts';
import { deployFleet, FLEET_NAME, type SandboxFleet } from '../support/fleet.ts';
import { walkThroughPages } from '../support/plain-browser.ts';
import { listOptions } from './option-list.ts';
import { toTerminalPicture } from './terminal-picture.ts';

export const PAGE = fileURLToPath(new URL('../../docs/command-line.md', import.meta.url));
const PAGE_OF_PROBE = fileURLToPath(new URL('../../docs/probe.md', import.meta.url));
const COMMANDS = ['authorize', 'status', 'refresh', 'probe'];
const OPTION_LIST = 'retently-token-refresh <command> --help';
const BLOCK = /(<!-- captured: (.+?) -->\n```text\n)(.*?)(```)/gs;

/** Picture of what `status` prints, for the README. */
export const STATUS_PICTURE = fileURLToPath(new URL('../../docs/images/status.svg', import.meta.url));

/** Draws the output of `status` that a page shows. */
export function drawStatus(page: string): string {
  const shown = [...page.matchAll(BLOCK)].find(([, , command]) => command === 'retently-token-refresh status');
  return toTerminalPicture('npm run --silent status', shown?.[3] ?? '');
}

/** The last page of an authorization, in `goThrough`'s own browser. */
export type GoThrough = (start: string) => Promise<unknown>;

const goPlainly: GoThrough = (start) => walkThroughPages(start, 'allow');

/** Page with the output of commands: as it is now, and as the commands would write it. */
interface CapturedPage {
  readonly path: string;
  readonly written: string;
  readonly captured: string;
}

/** Returns the page of the commands and the page of the probe. */
export async function capturePages(goThrough = goPlainly): Promise<readonly CapturedPage[]> {
  await using deployment = await startDeployment();
  await authorize(deployment, goThrough);
  await using fleet = await deployFleet(deployment);
  await fillFleet(deployment, fleet);
  deployment.server.lastTickAt = new Date(Date.now() - 4 * 60_000);
  const pages: CapturedPage[] = [];
  for (const path of [PAGE, PAGE_OF_PROBE]) pages.push(await capturePage(path, deployment, fleet));
  return pages;
}

async function capturePage(path: string, deployment: SandboxDeployment, fleet: SandboxFleet): Promise<CapturedPage> {
  const written = readFileSync(path, 'utf8');
  const outputs = new Map<string, string>();
  for (const [, , command = ''] of written.matchAll(BLOCK)) {
    // Elsewhere on the pages, there is only the stack of one account.
    if (command.includes(FLEET_NAME)) fleet.addStack(FLEET_NAME, FLEET_TAG);
    else deployment.server.stacks.delete(FLEET_NAME);
    outputs.set(command, command === OPTION_LIST ? await listAllOptions(deployment) : await run(deployment, command));
  }
  const captured = written.replaceAll(
    BLOCK,
    (_block, head: string, command: string, _old, fence: string) => head + outputs.get(command) + fence,
  );
  return { path, written, captured };
}

async function authorize({ environment, browserOptions }: SandboxDeployment, goThrough: GoThrough): Promise<void> {
  const authorizing = new RunningCommand(['authorize', ...browserOptions], environment);
  await goThrough(await authorizing.says(PAGE_URL));
  await authorizing.ended;
}

/** Two healthy accounts, one with a revoked grant, and one that no one has authorized yet. */
async function fillFleet({ sandbox }: SandboxDeployment, fleet: SandboxFleet): Promise<void> {
  for (const name of ['acme', 'globex']) await fleet.createFresh(name);
  const secretId = await fleet.createFresh('hooli');
  sandbox.tokenEndpoint.play({ status: 400, body: { error: 'invalid_grant' } });
  await fleet.lambda.invoke({ action: 'refresh', force: true, secretId });
  sandbox.tokenEndpoint.play('forward');
  fleet.createSecret('initech');
}

async function listAllOptions({ environment }: SandboxDeployment): Promise<string> {
  const screens = new Map<string, string>();
  for (const command of COMMANDS) screens.set(command, (await runCommand([command, '--help'], environment)).stdout);
  return listOptions(screens);
}

async function run({ environment, browserOptions, sandbox }: SandboxDeployment, command: string): Promise<string> {
  const [, ...args] = command.split(' ');
  if (args[0] !== 'probe') return (await runCommand(args, environment)).stdout;
  const options = ['--yes', '--api-url', sandbox.authorizationServer.apiUrl, ...browserOptions];
  const probing = new RunningCommand([...args, ...options], environment);
  await goPlainly(await probing.says(PAGE_URL));
  return (await probing.ended).stdout;
}
