import { parseArgs } from 'node:util';
import type { Sandbox, SandboxOptions } from './sandbox.ts';
import { Screen } from './story/screen.ts';
import { STORIES, type Story } from './story/stories.ts';
import { StoryLog } from './story/story-log.ts';

const PROVIDERS: ReadonlyMap<string, Story> = new Map(Object.entries(STORIES));
const DEFAULT_PROVIDER = 'rotation';
const HELP = `The deployed handler, run on this machine alone, and what the world sees of it.

  npm start [-- --provider=KIND]
  npm start -- --fleet

  --fleet      Many secrets, kept by the two handlers of a fleet.
${[...PROVIDERS].map(([name, { title }]) => `  ${name.padEnd(12)} ${title}`).join('\n')}

Without an option it is ${DEFAULT_PROVIDER}. Exit code 0 means that everything claimed was seen to be so.
`;
const INTRODUCTION =
  'The bundled handler in a process of its own, against AWS (a stand-in) and an OAuth authorization server ' +
  '(oidc-provider), both on 127.0.0.1. Tokens are shown as the first 12 hex digits of their SHA-256.';

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const options = parse(args);
  if (typeof options === 'string') return refuse(options);
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  if (options.fleet) return (await play(playFleetStory)) ? 0 : 1;
  const story = PROVIDERS.get(options.provider);
  if (story === undefined) {
    return refuse(`There is no provider "${options.provider}"; there are ${[...PROVIDERS.keys()].join(', ')}.`);
  }
  return (await play((stage) => playStory(options.provider, story, stage), story.sandbox)) ? 0 : 1;
}

interface Stage {
  readonly sandbox: Sandbox;
  readonly screen: Screen;
}

async function play(act: (stage: Stage) => Promise<boolean>, options: SandboxOptions = {}): Promise<boolean> {
  const screen = new Screen((text) => process.stdout.write(text), process.stdout.isTTY);
  const beganAtMs = performance.now();
  // Not before it is needed: what it starts takes a second to load.
  const { startSandbox } = await import('./sandbox.ts');
  await using sandbox = await startSandbox(options);
  const hasAllHappened = await act({ sandbox, screen });
  const seconds = ((performance.now() - beganAtMs) / 1000).toFixed(1);
  screen.heading(hasAllHappened ? `All of it happened, in ${seconds} s.` : 'NOT all of it happened.');
  return hasAllHappened;
}

async function playStory(name: string, story: Story, { sandbox, screen }: Stage): Promise<boolean> {
  const log = new StoryLog(sandbox, await sandbox.startFunction(), screen);
  screen.heading(`${name}: ${story.title}`);
  screen.paragraph(INTRODUCTION);
  await story.play(log);
  return log.hasAllHappened;
}

function parse(args: readonly string[]): { provider: string; fleet: boolean; help: boolean } | string {
  try {
    const options = {
      provider: { type: 'string', default: DEFAULT_PROVIDER },
      fleet: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    } as const;
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    return `${error instanceof Error ? error.message : error}.`;
  }
}

function refuse(reason: string): number {
  process.stderr.write(`${reason} See npm start -- --help.\n`);
  return 1;
}

async function playFleetStory({ sandbox, screen }: Stage): Promise<boolean> {
  const { playFleet } = await import('./story/fleet-story.ts');
  return await playFleet(sandbox, screen);
}
