import { Command, CommanderError } from 'commander';
import type { AwsSession, AwsSettings } from './aws/session.ts';
import { CommandError, EXIT, type ExitCode } from './command-error.ts';
import { BIN, environment, prepareSdk, VERSION } from './environment.ts';
import {
  type AuthorizeOptions,
  addAuthorizeOptions,
  addProbeOptions,
  addSecretOptions,
  type ProbeOptions,
  type RefreshOptions,
  type StatusOptions,
} from './options.ts';
import { interruption } from './terminal/interruption.ts';
import { type Output, terminal } from './terminal/terminal.ts';

/** Output of a command, and the environment variables that it reads. The SDK reads AWS's own variables. */
export interface Io extends Output {
  readonly env: Readonly<Record<string, string | undefined>>;
}

const EXIT_CODES = `
Exit codes: ${EXIT.done} done (status: healthy), ${EXIT.attention} needs attention,
            ${EXIT.unable} could not run or could not determine the state, ${EXIT.interrupted} stopped with Ctrl-C`;

/** Creates the program. Each command is loaded only when it runs, so that none loads the libraries of another. */
function createProgram(end: (exitCode: ExitCode) => void): Command {
  const program = new Command(BIN)
    .description('Authorize an application, check token health, and fix problems.')
    .version(VERSION)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.result(text.trimEnd()),
      writeErr: (text) => terminal.say(text.trimEnd()),
    })
    .showHelpAfterError('(see --help)');
  addAuthorizeOptions(program.command('authorize'))
    .description(
      'Authorizes the application in a browser, stores the credentials, and refreshes once to prove that they work',
    )
    .addHelpText(
      'after',
      `\nExamples:\n  ${BIN} authorize\n  ${BIN} authorize --stack RetentlyTokenRefresh-emea --profile ops\n  ${BIN} authorize --redirect-uri https://example.com/callback --manual\n  ${BIN} authorize --stack RetentlyTokenRefreshFleet --secret-id acme\n  ${BIN} authorize --secret-id acme --tag retently=emea\n${EXIT_CODES}`,
    )
    .action(async (options: AuthorizeOptions) => {
      const { authorize } = await import('./commands/authorize.ts');
      end(await authorize(await openSession(options), options));
    });
  addSecretOptions(program.command('status'))
    .description('Shows the state of every account and fleet, or of one, and what to do now')
    .option('--all', 'show all healthy secrets of a fleet, even beyond 20 lines')
    .addHelpText(
      'after',
      `\nExamples:\n  ${BIN} status\n  ${BIN} status --stack RetentlyTokenRefresh --region eu-west-1\n  ${BIN} status --json | jq '.[].health'\n  ${BIN} status --stack RetentlyTokenRefreshFleet --secret-id acme\n  ${BIN} status --json | jq -r '.[].secrets[]? | select(.health != "healthy").secret'\n${EXIT_CODES}`,
    )
    .action(async (options: StatusOptions) => {
      const { status } = await import('./commands/status.ts');
      end(await status(await openSession(options), options));
    });
  addSecretOptions(program.command('refresh'))
    .description('Refreshes the token if it is due, and shows the outcome')
    .option('--force', 'refresh even if the token is fresh, or after a failure or rejection')
    .addHelpText(
      'after',
      `\nExamples:\n  ${BIN} refresh\n  ${BIN} refresh --force\n  ${BIN} refresh --stack RetentlyTokenRefreshFleet --secret-id acme\n${EXIT_CODES}`,
    )
    .action(async (options: RefreshOptions) => {
      const { refresh } = await import('./commands/refresh.ts');
      end(await refresh(await openSession(options), options));
    });
  addProbeOptions(program.command('probe'))
    .description("Finds out how Retently's token endpoint behaves, with a grant of its own")
    .addHelpText(
      'after',
      `\nExamples:\n  ${BIN} probe\n  RETENTLY_CLIENT_ID=… ${BIN} probe --json > probe.json\n${EXIT_CODES}`,
    )
    .action(async (options: ProbeOptions) => {
      const { probe } = await import('./commands/probe.ts');
      end(await probe(await openSession(options), options));
    });
  return program;
}

async function openSession(settings: AwsSettings): Promise<AwsSession> {
  const { AwsSession } = await import('./aws/session.ts');
  return new AwsSession(settings);
}

/** Runs one command. @param args as the user typed them, without the program's own name @returns the exit code */
export async function main(args: readonly string[], io: Io): Promise<ExitCode> {
  terminal.connect(io);
  environment.read(io.env);
  prepareSdk();
  interruption.reset();
  let exitCode: ExitCode = EXIT.done;
  try {
    await createProgram((code) => {
      exitCode = code;
    }).parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    return tell(error);
  }
}

/** Prints an error without its stack trace; an unexpected one only by name, because its text may quote a secret. */
function tell(error: unknown): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.unable;
  if (error instanceof CommandError) {
    terminal.say(error.message);
    return error.exitCode;
  }
  const name = error instanceof Error ? error.name : typeof error;
  terminal.say(`Unexpected error (${name}). Report it with the command that you ran.`);
  return EXIT.unable;
}
