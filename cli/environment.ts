/** The only reader of `process.env` in `cli/`, beside the AWS SDK and what paints the terminal. */
export const environment = {
  clientId: process.env['RETENTLY_CLIENT_ID']?.trim() || undefined,
  clientSecret: process.env['RETENTLY_CLIENT_SECRET']?.trim() || undefined,
};

/** Whoever runs the command cannot change what the SDK warns of: that a later SDK will want a newer Node. */
export function silenceSdkWarning(): void {
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
}

/** How a person repeats a command that began like this one. */
export function toCommandLine(command: string, args: readonly string[]): string {
  const isNpmScript = process.env['npm_lifecycle_script']?.includes('cli/main.ts') === true;
  const begin = isNpmScript ? ['npm', 'run', command, ...(args.length > 0 ? ['--'] : [])] : [BIN, command];
  return [...begin, ...args].join(' ');
}

export const BIN = 'retently-token-refresh';
