import packageJson from '../package.json' with { type: 'json' };

/** Name of the program, as a package installs it. */
export const BIN = 'retently-token-refresh';

export const VERSION = packageJson.version;

type Variables = Readonly<Record<string, string | undefined>>;

let variables: Variables = {};

/** Environment variables of this project. The AWS SDK, and what paints the terminal, read their own. */
export const environment = {
  read(env: Variables): void {
    variables = env;
  },
  clientId: (): string | undefined => variables['RETENTLY_CLIENT_ID']?.trim() || undefined,
  clientSecret: (): string | undefined => variables['RETENTLY_CLIENT_SECRET']?.trim() || undefined,
};

/** Silences a warning that the user cannot act on: that a later SDK will require a newer Node.js. */
export function silenceSdkWarning(): void {
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
}

/** Returns what a person types to run `command`, in the way in which they started this one. */
export function toCommandLine(command: string, args: readonly string[]): string {
  const isNpmScript = variables['npm_lifecycle_script']?.includes('cli/main.ts') === true;
  const begin = isNpmScript ? ['npm', 'run', command, ...(args.length > 0 ? ['--'] : [])] : [BIN, command];
  return [...begin, ...args].join(' ');
}
