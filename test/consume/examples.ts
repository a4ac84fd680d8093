import { spawnSync } from 'node:child_process';
import { type Permission, parsePolicy } from '../infra/evaluate-policy.ts';
import { blocksOf, readDocument } from '../support/markdown.ts';
import { Consumer } from './consumer.ts';
import { AGENT_TOKEN } from './secrets-manager-agent.ts';

export const PAGE = readDocument('docs/consume.md');
export const ARNS = {
  '<TokenSecretArn>': 'arn:aws:secretsmanager:us-east-1:000000000000:secret:RetentlyToken-AbCdEf',
  '<SecretArn>': 'arn:aws:secretsmanager:us-east-1:000000000000:secret:RetentlyCredentials-AbCdEf',
};
export const GET = 'secretsmanager:GetSecretValue';
export const DESCRIBE = 'secretsmanager:DescribeSecret';

const runs = (command: string, ...args: string[]) => spawnSync(command, args, { stdio: 'ignore' }).status === 0;
const HAS_BOTO3 = runs('python3', '-c', 'import boto3');
const HAS_CACHING = runs('python3', '-c', 'import aws_secretsmanager_caching');
const HAS_SHELL = runs('bash', '-c', 'command -v curl && command -v jq');
const HAS_CLI = HAS_SHELL && runs('aws', '--version');
const HAS_ZSH = runs('zsh', '--version');

const RUN_TYPESCRIPT = `import { createInterface } from 'node:readline';
import { callRetently } from './example.ts';
for await (const _ of createInterface({ input: process.stdin })) {
  console.log(await callRetently(process.env.RETENTLY).then(({ status }) => status, (error) => \`failed: \${error.message}\`));
}
`;
const RUN_PYTHON = `
import sys
for _ in sys.stdin:
    try:
        call_retently(os.environ["RETENTLY"])
        print(200, flush=True)
    except Exception as error:
        print(f"failed: {error}", flush=True)
`;
/** AWS CLI 1 ignores the variable that leads other tools to the stand-in. */
const RUN_SHELL = `
aws() { command aws --endpoint-url "$AWS_ENDPOINT_URL_SECRETS_MANAGER" "$@"; }
while read -r line; do
  call_retently "$RETENTLY" answer 2>why && echo 200 || { tr '\\n' ' ' <why | sed 's/^/failed: /'; echo; }
done
`;

export interface Example {
  readonly name: string;
  readonly isRun: boolean;
  readonly policy: string;
  /** Reads of the token secret for one call, with nothing cached. */
  readonly actions: readonly string[];
  readonly hasCache: boolean;
  /** Text of the example, and its replacement for setups with only one secret. */
  readonly namesStage: readonly [string, string] | undefined;
  start(environment: object, edit?: (text: string) => string): Consumer;
}

type Start = Example['start'];
const asItStands = (text: string) => text;
const typescript: Start = (environment, edit = asItStands) =>
  new Consumer(
    { 'example.ts': edit(blockOf('ts')), 'run.mjs': RUN_TYPESCRIPT, 'package.json': '{"type":"module"}' },
    [process.execPath, '--import', 'tsx', 'run.mjs'],
    environment,
  );
/** A later block replaces a function of the first one. */
const python =
  (...languages: readonly string[]): Start =>
  (environment, edit = asItStands) =>
    new Consumer({ 'example.py': edit(blocksInOrder(languages)) + RUN_PYTHON }, ['python3', 'example.py'], environment);
const shell =
  (languages: readonly string[], program = 'bash'): Start =>
  (environment, edit = asItStands) =>
    new Consumer(
      { 'example.sh': edit(blocksInOrder(languages)) + RUN_SHELL, token: AGENT_TOKEN },
      [program, 'example.sh'],
      environment,
    );

export const AGENT_EXAMPLE: Example = {
  name: 'curl, through a stand-in of the Secrets Manager Agent',
  isRun: HAS_SHELL,
  policy: 'caching',
  actions: [GET],
  hasCache: true,
  namesStage: ['$TOKEN_SECRET_ID&', '$TOKEN_SECRET_ID&versionStage=AWSCURRENT&'],
  start: shell(['bash', 'bash agent']),
};

export const EXAMPLES: readonly Example[] = [
  {
    name: 'TypeScript, with Powertools',
    isRun: true,
    policy: 'read',
    actions: [GET],
    hasCache: true,
    namesStage: ['forceFetch }', "forceFetch, sdkOptions: { VersionStage: 'AWSCURRENT' } }"],
    start: typescript,
  },
  {
    name: 'Python, with boto3',
    isRun: HAS_BOTO3,
    policy: 'read',
    actions: [GET],
    hasCache: true,
    namesStage: ['os.environ["TOKEN_SECRET_ID"])', 'os.environ["TOKEN_SECRET_ID"], VersionStage="AWSCURRENT")'],
    start: python('python'),
  },
  {
    name: "Python, with AWS's caching library",
    isRun: HAS_CACHING,
    policy: 'caching',
    actions: [DESCRIBE, GET],
    hasCache: true,
    namesStage: undefined,
    start: python('python', 'python caching'),
  },
  {
    name: 'the AWS CLI',
    isRun: HAS_CLI,
    policy: 'read',
    actions: [GET],
    hasCache: false,
    namesStage: ['"$TOKEN_SECRET_ID"', '"$TOKEN_SECRET_ID" --version-stage AWSCURRENT'],
    start: shell(['bash']),
  },
  AGENT_EXAMPLE,
];

/** The shell examples again, in the default shell of macOS. */
export const ZSH_EXAMPLES: readonly Example[] = [
  {
    ...AGENT_EXAMPLE,
    name: `${AGENT_EXAMPLE.name}, in zsh`,
    isRun: HAS_SHELL && HAS_ZSH,
    start: shell(['bash', 'bash agent'], 'zsh'),
  },
  ...EXAMPLES.filter(({ name }) => name === 'the AWS CLI').map((example) => ({
    ...example,
    name: `${example.name}, in zsh`,
    isRun: HAS_CLI && HAS_ZSH,
    start: shell(['bash'], 'zsh'),
  })),
];

export function blockOf(language: string): string {
  const [block, ...others] = blocksOf(PAGE, language);
  if (block === undefined || others.length > 0) throw new Error(`The page has not one block ${language}.`);
  return block;
}

function blocksInOrder(languages: readonly string[]): string {
  return languages.map(blockOf).join('\n');
}

/** Returns the permissions of a policy of the page, with the statement that the page adds to it. */
export function policyOf(name: string): readonly Permission[] {
  switch (name) {
    case 'caching':
      return [...policyOf('read'), ...statementOf('caching')];
    case 'interim agent':
      return [...policyOf('interim'), ...statementOf('caching', '<SecretArn>')];
    default:
      return parsePolicy(parseBlock(`json policy ${name}`), {});
  }
}

/** Returns the permissions of a statement of the page, for the secret that its text names instead, if any. */
export function statementOf(name: string, secret = '<TokenSecretArn>'): readonly Permission[] {
  const statement = parseBlock(`json statement ${name}`, (text) => text.replace('<TokenSecretArn>', secret));
  return parsePolicy({ Version: '2012-10-17', Statement: [statement] }, {});
}

/** The stand-in chooses the last characters of its ARNs. */
function parseBlock(language: string, edit = asItStands): unknown {
  const text = Object.entries(ARNS).reduce(
    (block, [placeholder, arn]) => block.replaceAll(placeholder, arn),
    edit(blockOf(language)),
  );
  return JSON.parse(text.replaceAll('-AbCdEf', '-??????'));
}
