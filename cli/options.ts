import { type Command, InvalidArgumentError, Option } from 'commander';
import { SECRET_NAME } from '../lambda/contract.ts';
import type { Whereabouts } from './aws/find-deployments.ts';
import type { SecretTag } from './aws/fleet-tag.ts';
import type { AwsSettings } from './aws/session.ts';
import { DEFAULT_AUTHORIZATION_ENDPOINT, parseEndpoint, parseRedirectUri } from './oauth/endpoints.ts';

interface CommonOptions extends AwsSettings, Whereabouts {
  readonly json?: boolean | undefined;
}

interface BrowserFlowOptions extends CommonOptions {
  readonly secretId?: string | undefined;
  /** Absent if the user did not pass it. */
  readonly port?: number | undefined;
  readonly redirectUri?: string | undefined;
  readonly manual?: boolean | undefined;
  readonly open: boolean;
  readonly pkce: boolean;
  readonly waitSeconds: number;
  readonly authorizationEndpoint: URL;
  readonly tokenEndpoint?: URL | undefined;
  readonly yes?: boolean | undefined;
}

export interface AuthorizeOptions extends BrowserFlowOptions {
  readonly tag?: SecretTag | undefined;
}

/** Options of commands that show or refresh one secret of a fleet. */
interface SecretOptions extends CommonOptions {
  readonly secretId?: string | undefined;
}

export interface StatusOptions extends SecretOptions {
  readonly all?: boolean | undefined;
}

export interface RefreshOptions extends SecretOptions {
  readonly force?: boolean | undefined;
}

export interface ProbeOptions extends BrowserFlowOptions {
  readonly apiUrl: URL;
  readonly graceSeconds: number;
}

const DEFAULT_WAIT_SECONDS = 300;
const DEFAULT_GRACE_SECONDS = 120;
/** URL of a harmless request. The body of its response is not read. */
const DEFAULT_API_URL = 'https://app.retently.com/api/v2/campaigns';

function addCommonOptions(command: Command): Command {
  return command
    .option('--stack <name>', 'stack of the account or fleet (default: the only one)', parseName)
    .option('--function-name <name>', 'function of the account or fleet, instead of a stack', parseName)
    .option('--profile <name>', 'AWS profile (default: AWS_PROFILE)', parseName)
    .option('--region <name>', 'AWS region (default: AWS_REGION, or the region of the profile)', parseRegion)
    .option('--json', 'print the result as one line of JSON');
}

export function addSecretOptions(command: Command): Command {
  return addCommonOptions(command).option('--secret-id <id>', 'name or ARN of one secret of a fleet', parseSecretId);
}

function addBrowserOptions(command: Command): Command {
  return addCommonOptions(command)
    .option('--secret-id <id>', 'name or ARN of a secret: one of a fleet, or one without a stack', parseSecretId)
    .option('--port <number>', 'port on 127.0.0.1 for the redirect (default: 8976)', parsePort)
    .option(
      '--redirect-uri <url>',
      'redirect URI of the application (default: redirect_uri in the secret, or http://127.0.0.1:<port>/callback)',
      parseRedirectUri,
    )
    .option('--manual', 'paste the redirected address, if the browser cannot reach this machine')
    .option('--no-open', 'print the address of the page, but do not open it')
    .option('--no-pkce', 'omit PKCE, for a server that rejects it')
    .addOption(seconds('--wait-seconds <number>', 'maximum wait for the browser', DEFAULT_WAIT_SECONDS))
    .addOption(
      new Option('--authorization-endpoint <url>', 'URL of the consent page')
        .argParser(parseEndpoint)
        .default(new URL(DEFAULT_AUTHORIZATION_ENDPOINT), DEFAULT_AUTHORIZATION_ENDPOINT),
    )
    .option('--token-endpoint <url>', "URL that exchanges the code (default: the function's own)", parseEndpoint)
    .option('-y, --yes', 'answer yes to all questions, except about members of other programs');
}

export function addAuthorizeOptions(command: Command): Command {
  return addBrowserOptions(command).option(
    '--tag <key=value>',
    'tag to add to the secret, so that a fleet refreshes it. Creates a missing secret',
    parseTag,
  );
}

export function addProbeOptions(command: Command): Command {
  return addBrowserOptions(command)
    .addOption(
      new Option('--api-url <url>', 'URL to request (GET) with an access token')
        .argParser(parseEndpoint)
        .default(new URL(DEFAULT_API_URL), DEFAULT_API_URL),
    )
    .addOption(seconds('--grace-seconds <number>', 'how long to retry a used refresh token', DEFAULT_GRACE_SECONDS));
}

/** Rejects an empty name, which is what a script passes if its variable is not set. */
function parseName(text: string): string {
  if (text.trim() !== '') return text;
  throw new InvalidArgumentError('Must not be empty.');
}

function parseRegion(text: string): string {
  if (/^[a-z]{2,}(-[a-z]+)+-\d+$/.test(text)) return text;
  throw new InvalidArgumentError('Must be the name of an AWS region, such as eu-west-1.');
}

function parseSecretId(text: string): string {
  if (new RegExp(`^(arn:[\\w:-]+:)?${SECRET_NAME}$`).test(text)) return text;
  throw new InvalidArgumentError('Must be the name or the ARN of a secret: letters, digits and /_+=.@-.');
}

function seconds(flags: string, description: string, standard: number): Option {
  return new Option(flags, description).argParser(parseSeconds).default(standard);
}

function parseSeconds(text: string): number {
  if (/^\d{1,4}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Must be a whole number of seconds, at most 9999.');
}

/** Parses a tag. The first `=` ends the key; AWS checks the rest. */
function parseTag(text: string): SecretTag {
  const [, key, value] = /^([^=]+)=(.*)$/.exec(text) ?? [];
  if (key === undefined || value === undefined) throw new InvalidArgumentError('Must be key=value.');
  return { key, value };
}

function parsePort(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new InvalidArgumentError('Must be a port from 0 (any free port) to 65535.');
}
