import packageJson from '../package.json' with { type: 'json' };

/** Name of the installed program. */
export const BIN = 'retently-token-refresh';

export const VERSION = packageJson.version;

type Variables = Readonly<Record<string, string | undefined>>;

let variables: Variables = {};

/** Variables of AWS that this program resolves itself. */
export interface AwsVariables {
  readonly keys: AwsKeys | undefined;
  /** `AWS_ACCESS_KEY_ID` is set, and the secret key that belongs to it is not. */
  readonly isKeyPartial: boolean;
  readonly profile: string | undefined;
  readonly region: string | undefined;
  readonly configFile: string | undefined;
  readonly credentialsFile: string | undefined;
  readonly isProxySet: boolean;
}

interface AwsKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly accountId?: string;
}

/** Environment variables of this project, and those of AWS that the SDK reads in another order than the AWS CLI. */
export const environment = {
  read(env: Variables): void {
    variables = env;
  },
  clientId: (): string | undefined => variables['RETENTLY_CLIENT_ID']?.trim() || undefined,
  aws: (): AwsVariables => ({
    keys: toKeys(variables),
    isKeyPartial: Boolean(variables['AWS_ACCESS_KEY_ID']) && !variables['AWS_SECRET_ACCESS_KEY'],
    profile: variables['AWS_DEFAULT_PROFILE'] || variables['AWS_PROFILE'] || undefined,
    region: variables['AWS_REGION'] || variables['AWS_DEFAULT_REGION'] || undefined,
    configFile: variables['AWS_CONFIG_FILE'] || undefined,
    credentialsFile: variables['AWS_SHARED_CREDENTIALS_FILE'] || undefined,
    isProxySet: ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'].some((name) => variables[name]),
  }),
  clientSecret: (): string | undefined => variables['RETENTLY_CLIENT_SECRET']?.trim() || undefined,
};

function toKeys(variables: Variables): AwsKeys | undefined {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_ACCOUNT_ID } = variables;
  if (!AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) return undefined;
  return {
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    ...(AWS_SESSION_TOKEN && { sessionToken: AWS_SESSION_TOKEN }),
    ...(AWS_ACCOUNT_ID && { accountId: AWS_ACCOUNT_ID }),
  };
}

/**
 * Prepares what the SDK reads from the environment. It silences a warning that the user cannot act on: that a later SDK will
 * require a newer Node.js. An empty region counts as none.
 */
export function prepareSdk(): void {
  if (process.env['AWS_REGION'] === '') delete process.env['AWS_REGION'];
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
}

/** Runs `start`, which starts a browser, without the variables of this project and of AWS, so that the browser inherits no secret. */
export async function withoutSecrets<T>(start: () => Promise<T>): Promise<T> {
  const hidden = Object.entries(process.env).filter(([name]) => /^(RETENTLY_|AWS_)/i.test(name));
  for (const [name] of hidden) delete process.env[name];
  try {
    return await start();
  } finally {
    for (const [name, value] of hidden) process.env[name] = value;
  }
}

/** Returns the command line that runs `command` in the same way as this program was started. */
export function toCommandLine(command: string, args: readonly string[]): string {
  const isNpmScript = variables['npm_lifecycle_script']?.includes('cli/main.ts') === true;
  const begin = isNpmScript ? ['npm', 'run', command, ...(args.length > 0 ? ['--'] : [])] : [BIN, command];
  return [...begin, ...args].join(' ');
}
