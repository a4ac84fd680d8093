import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { FLEET_TAG } from '../sandbox/fleet.ts';
import { RunningCommand, runCommand } from '../support/command.ts';
import { PAGE_URL } from '../support/command-secrets.ts';
import { type SandboxDeployment, startDeployment } from '../support/deployment.ts';
import { deployFleet, FLEET_NAME, type SandboxFleet } from '../support/fleet.ts';
import { walkThroughPages } from '../support/plain-browser.ts';
import { toTerminalPicture } from './terminal-picture.ts';

export const PAGE = fileURLToPath(new URL('../../docs/command-line.md', import.meta.url));
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

/** The page as it stands there, and as the commands would write it now. */
export async function capturePage(goThrough = goPlainly): Promise<{ written: string; captured: string }> {
  await using deployment = await startDeployment();
  await authorize(deployment, goThrough);
  await using fleet = await deployFleet(deployment);
  await fillFleet(deployment, fleet);
  deployment.server.lastTickAt = new Date(Date.now() - 4 * 60_000);
  const written = readFileSync(PAGE, 'utf8');
  const outputs = new Map<string, string>();
  for (const [, , command = ''] of written.matchAll(BLOCK)) {
    // Elsewhere on the page, there is only the stack of one account.
    if (command.includes(FLEET_NAME)) fleet.addStack(FLEET_NAME, FLEET_TAG);
    else deployment.server.stacks.delete(FLEET_NAME);
    outputs.set(command, await run(deployment, command));
  }
  const captured = written.replaceAll(
    BLOCK,
    (_block, head: string, command: string, _old, fence: string) => head + outputs.get(command) + fence,
  );
  return { written, captured };
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

async function run({ environment, browserOptions, sandbox }: SandboxDeployment, command: string): Promise<string> {
  const [, ...args] = command.split(' ');
  if (args[0] !== 'probe' || args.includes('--help')) return (await runCommand(args, environment)).stdout;
  const options = ['--yes', '--api-url', sandbox.authorizationServer.apiUrl, ...browserOptions];
  const probing = new RunningCommand([...args, ...options], environment);
  await goPlainly(await probing.says(PAGE_URL));
  return (await probing.ended).stdout;
}
