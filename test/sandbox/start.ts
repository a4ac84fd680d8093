import { Option } from 'commander';
import * as z from 'zod';
import { parseScript, script } from '../support/script.ts';
import type { Sandbox, SandboxOptions } from './sandbox.ts';
import { Screen } from './story/screen.ts';
import { STORIES, type Story } from './story/stories.ts';
import { StoryLog } from './story/story-log.ts';

const PROVIDERS: ReadonlyMap<string, Story> = new Map(Object.entries(STORIES));
const DEFAULT_PROVIDER = 'rotation';
const DESCRIPTION = `Runs the deployed function on this machine, against stand-ins for AWS and a real OAuth server, and prints each step.

Kinds of provider:
${[...PROVIDERS].map(([name, { title }]) => `  ${name.padEnd(12)} ${title}`).join('\n')}

Exit code 0 means that everything that it prints was checked.`;
const COMMAND = script('npm start --', DESCRIPTION)
  .addOption(
    new Option('--provider <kind>', `how the OAuth provider behaves (default: ${DEFAULT_PROVIDER})`).choices([
      ...PROVIDERS.keys(),
    ]),
  )
  .addOption(new Option('--fleet', 'many secrets, refreshed by the two functions of a fleet').conflicts('provider'))
  .addOption(
    new Option('--stay', 'keep the stand-ins running, and print how to try the commands with them').conflicts([
      'provider',
      'fleet',
    ]),
  );
const OPTIONS = z.object({
  provider: z.string().default(DEFAULT_PROVIDER),
  fleet: z.boolean().default(false),
  stay: z.boolean().default(false),
});
const INTRODUCTION =
  'The bundled handler runs in its own process, against AWS (a stand-in) and an OAuth authorization server ' +
  '(oidc-provider), both on 127.0.0.1. Tokens are shown as the first 12 hex digits of their SHA-256.';

process.exitCode = (await main()) ? 0 : 1;

async function main(): Promise<boolean> {
  const options = parseScript(COMMAND, OPTIONS);
  if (options.stay) return await waitForCtrlC();
  const { provider, fleet } = options;
  if (fleet) return await play(playFleetStory);
  const story = PROVIDERS.get(provider);
  if (story === undefined) return COMMAND.error(`error: there is no provider '${provider}'.`);
  return await play((stage) => playStory(provider, story, stage), story.sandbox);
}

async function waitForCtrlC(): Promise<boolean> {
  const { stay } = await import('./stay.ts');
  await stay();
  return true;
}

interface Stage {
  readonly sandbox: Sandbox;
  readonly screen: Screen;
}

async function play(act: (stage: Stage) => Promise<boolean>, options: SandboxOptions = {}): Promise<boolean> {
  const screen = Screen.of(process.stdout);
  const beganAtMs = performance.now();
  // Loaded only when it is needed, because it takes a second to load.
  const { startSandbox } = await import('./sandbox.ts');
  await using sandbox = await startSandbox(options);
  const hasAllHappened = await act({ sandbox, screen });
  const seconds = ((performance.now() - beganAtMs) / 1000).toFixed(1);
  screen.heading(hasAllHappened ? `All checks passed, in ${seconds} s.` : 'NOT all checks passed.');
  return hasAllHappened;
}

async function playStory(name: string, story: Story, { sandbox, screen }: Stage): Promise<boolean> {
  const log = new StoryLog(sandbox, await sandbox.startFunction(), screen);
  screen.heading(`${name}: ${story.title}`);
  screen.paragraph(INTRODUCTION);
  await story.play(log);
  return log.hasAllHappened;
}

async function playFleetStory({ sandbox, screen }: Stage): Promise<boolean> {
  const { playFleet } = await import('./story/fleet-story.ts');
  return await playFleet(sandbox, screen);
}
