import * as z from 'zod';
import { ENVIRONMENT } from '../../lambda/contract.ts';
import type { LambdaProcess } from '../sandbox/lambda/lambda-process.ts';
import { type Sandbox, type SandboxOptions, SECRET_ID, startSandbox, TOKEN_SECRET_ID } from '../sandbox/sandbox.ts';
import { type Attributes, resolveText } from './resolve-intrinsics.ts';
import { type Resource, resourceOf, type SynthesisedTemplate } from './synthesise.ts';

// What the sandbox calls itself, as its ARNs have it.
const REGION = 'us-east-1';
const ACCOUNT = '000000000000';
/** The name under which the sandbox runs the function. */
export const FUNCTION_NAME = 'token-refresh';

const environmentSchema = z.object({ Variables: z.record(z.string(), z.unknown()) });

/** A template, deployed into a sandbox. */
export interface Deployment extends AsyncDisposable {
  readonly sandbox: Sandbox;
  /** Values of `Ref` and `Fn::GetAtt` in the template. */
  readonly attributes: Attributes;
  /** An execution environment of the function, with the variables that the template gives it. */
  startFunction(environment?: Readonly<Record<string, string>>): Promise<LambdaProcess>;
}

/** Deploys into its own sandbox. Only the token endpoint differs from the template. */
export async function deploy(template: SynthesisedTemplate, options: SandboxOptions = {}): Promise<Deployment> {
  const sandbox = await startSandbox(options);
  const { secretsManager } = sandbox.aws;
  const attributes = attributesOf(template, secretsManager.arnOf(SECRET_ID), secretsManager.arnOf(TOKEN_SECRET_ID));
  const { Properties } = resourceOf(template, 'AWS::Lambda::Function');
  const { [ENVIRONMENT.tokenEndpoint]: _, ...variables } = environmentSchema.parse(Properties['Environment']).Variables;
  return {
    sandbox,
    attributes,
    startFunction(environment = {}) {
      const resolved = Object.entries(variables).map(([name, value]) => [name, resolveText(value, attributes)]);
      const none = { [ENVIRONMENT.tokenSecretId]: '' };
      return sandbox.startFunction({ ...none, ...Object.fromEntries(resolved), ...environment });
    },
    [Symbol.asyncDispose]: () => sandbox[Symbol.asyncDispose](),
  };
}

/** Returns the values of `Ref` and `Fn::GetAtt` after a deployment to the sandbox's AWS account and region. */
export function attributesOf(
  { Resources }: SynthesisedTemplate,
  secretArn: string,
  tokenSecretArn = TOKEN_SECRET_ID,
): Attributes {
  const attributes: Record<string, string> = {
    'AWS::Partition': 'aws',
    'AWS::Region': REGION,
    'AWS::AccountId': ACCOUNT,
    'AWS::URLSuffix': 'amazonaws.com',
    'AWS::StackName': 'RetentlyTokenRefresh',
  };
  for (const [id, resource] of Object.entries(Resources)) {
    const name = nameOf(id, resource);
    const service = resource.Type.split('::')[1]?.toLowerCase();
    attributes[id] = toRef(resource, name, id.includes('TokenRefreshToken') ? tokenSecretArn : secretArn);
    attributes[`${id}.Arn`] = `arn:aws:${service}:${REGION}:${ACCOUNT}:${KINDS[resource.Type] ?? ''}${name}`;
    attributes[`${id}.QueueName`] = name;
  }
  return attributes;
}

function toRef({ Type }: Resource, name: string, secretArn: string): string {
  if (Type === 'AWS::SecretsManager::Secret') return secretArn;
  return Type === 'AWS::SQS::Queue' ? `https://sqs.${REGION}.amazonaws.com/${ACCOUNT}/${name}` : name;
}

/** Returns the part of an ARN before the name. */
const KINDS: Readonly<Record<string, string>> = {
  'AWS::Events::EventBus': 'event-bus/',
  'AWS::Lambda::Function': 'function:',
  'AWS::Logs::LogGroup': 'log-group:',
};

/** The logical id, unless the template or the sandbox gives a name. */
function nameOf(id: string, { Type, Properties }: Resource): string {
  if (Type === 'AWS::Lambda::Function') return FUNCTION_NAME;
  return Type === 'AWS::Events::EventBus' ? String(Properties['Name']) : id;
}

/** The outputs, as a deploy into the sandbox's AWS account and region prints them. */
export function outputsOf(template: SynthesisedTemplate, secretArn: string): Readonly<Record<string, string>> {
  const attributes = attributesOf(template, secretArn);
  const outputs = Object.entries(template.Outputs).map(([id, { Value }]) => [id, resolveText(Value, attributes)]);
  return Object.fromEntries(outputs);
}
