import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Whereabouts } from './aws/find-deployments.ts';
import type { SecretTag } from './aws/fleet-tag.ts';
import type { AwsSettings } from './aws/session.ts';
import { DEFAULT_AUTHORIZATION_ENDPOINT, parseEndpoint, parseRedirectUri } from './oauth/endpoints.ts';

interface CommonOptions extends AwsSettings, Whereabouts {
  readonly json?: boolean | undefined;
}

interface BrowserFlowOptions extends CommonOptions {
  readonly secretId?: string | undefined;
  /** Absent if the user gave none. */
  readonly port?: number | undefined;
  readonly redirectUri?: string | undefined;
  readonly manual: boolean;
  readonly open: boolean;
  readonly pkce: boolean;
  readonly waitSeconds: number;
  readonly authorizationEndpoint: URL;
  readonly tokenEndpoint?: URL | undefined;
  readonly yes: boolean;
}

export interface AuthorizeOptions extends BrowserFlowOptions {
  readonly tag?: SecretTag | undefined;
}

/** For commands that look at one secret of a fleet, or refresh it. */
interface SecretOptions extends CommonOptions {
  readonly secretId?: string | undefined;
}

export interface StatusOptions extends SecretOptions {
  readonly all: boolean;
}

export interface RefreshOptions extends SecretOptions {
  readonly force: boolean;
}

export interface ProbeOptions extends BrowserFlowOptions {
  readonly apiUrl: URL;
  readonly graceSeconds: number;
}

const DEFAULT_WAIT_SECONDS = 300;
const DEFAULT_GRACE_SECONDS = 120;
/** No body of its answer is read. */
const DEFAULT_API_URL = 'https://app.retently.com/api/v2/campaigns';

function addCommonOptions(command: Command): Command {
  return command
    .option('--stack <name>', 'stack of the account, or of a fleet (default: the only one that there is)')
    .option('--function-name <name>', 'the function itself, instead of a stack')
    .option('--profile <name>', 'AWS profile (default: AWS_PROFILE, as with every AWS tool)')
    .option('--region <name>', 'AWS region (default: AWS_REGION, or that of the profile)')
    .option('--json', 'result as one line of JSON on standard output');
}

export function addSecretOptions(command: Command): Command {
  return addCommonOptions(command).option('--secret-id <id>', 'name or ARN of one secret of a fleet');
}

function addBrowserOptions(command: Command): Command {
  return addCommonOptions(command)
    .option('--secret-id <id>', 'name or ARN of the secret, instead of a stack or of a fleet')
    .option('--port <number>', 'port on 127.0.0.1 that the browser comes back to (default: 8976)', parsePort)
    .option('--redirect-uri <url>', 'what the application has registered, if it is something else', parseRedirectUri)
    .option('--manual', 'paste the redirected address, if no browser reaches this machine', false)
    .option('--no-open', 'only print the address of the page')
    .option('--no-pkce', 'send no PKCE parameters, for a server that rejects them')
    .addOption(seconds('--wait-seconds <number>', 'how long to wait for the browser', DEFAULT_WAIT_SECONDS))
    .addOption(
      new Option('--authorization-endpoint <url>', 'where the browser is sent')
        .argParser(parseEndpoint)
        .default(new URL(DEFAULT_AUTHORIZATION_ENDPOINT), DEFAULT_AUTHORIZATION_ENDPOINT),
    )
    .option('--token-endpoint <url>', "where the code is traded (default: the function's own)", parseEndpoint)
    .option('-y, --yes', 'do not ask before it begins', false);
}

export function addAuthorizeOptions(command: Command): Command {
  return addBrowserOptions(command).option(
    '--tag <key=value>',
    'tag of a fleet: a secret that is missing is created with it, another one gets it',
    parseTag,
  );
}

export function addProbeOptions(command: Command): Command {
  return addBrowserOptions(command)
    .addOption(
      new Option('--api-url <url>', 'what a bearer token is tried on with GET')
        .argParser(parseEndpoint)
        .default(new URL(DEFAULT_API_URL), DEFAULT_API_URL),
    )
    .addOption(
      seconds('--grace-seconds <number>', 'how long a spent refresh token is tried again', DEFAULT_GRACE_SECONDS),
    );
}

function seconds(flags: string, description: string, standard: number): Option {
  return new Option(flags, description).argParser(parseSeconds).default(standard);
}

function parseSeconds(text: string): number {
  if (/^\d{1,4}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is no whole number of seconds up to 9999.');
}

/** AWS looks at the rest; the first `=` ends the key. */
function parseTag(text: string): SecretTag {
  const [, key, value] = /^([^=]+)=(.*)$/.exec(text) ?? [];
  if (key === undefined || value === undefined) throw new InvalidArgumentError('It is not key=value.');
  return { key, value };
}

function parsePort(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new InvalidArgumentError('It is no port from 0 (any that is free) to 65535.');
}
