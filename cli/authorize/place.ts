import { DEFAULTS } from '../../lambda/contract.ts';
import { type Deployment, nameOf } from '../aws/deployment.ts';
import type { AwsSession } from '../aws/session.ts';
import { toPrintable } from '../terminal/to-printable.ts';

interface Place {
  readonly deployment?: Deployment | undefined;
  readonly secretId: string;
  /** Absent if the secret does not exist yet. */
  readonly secretArn?: string | undefined;
  readonly tokenEndpoint: URL;
}

/** Returns the token endpoint of an authorization: the option's, else the function's, else Retently's. */
export function findTokenEndpoint(
  deployment: Deployment | undefined,
  { tokenEndpoint }: { readonly tokenEndpoint?: URL | undefined },
): URL {
  return tokenEndpoint ?? new URL(deployment?.refreshFunction.tokenEndpoint ?? DEFAULTS.tokenEndpoint);
}

/** Names where the credentials go, so that a wrong account, region or server is noticed before consent. */
export async function describePlace(
  session: AwsSession,
  { deployment, secretId, secretArn, tokenEndpoint }: Place,
): Promise<string> {
  const arns = [secretArn, secretId, deployment?.refreshFunction.arn];
  const account = arns.map(accountOf).find((each) => each !== undefined) ?? (await session.account());
  const isForeign = tokenEndpoint.href !== DEFAULTS.tokenEndpoint;
  const parts = [
    `AWS account ${account ?? 'unknown'}`,
    `region ${await session.region()}`,
    ...(deployment === undefined ? [] : [`stack ${nameOf(deployment)}`]),
    `secret ${secretId}`,
    ...(isForeign ? [`token endpoint ${tokenEndpoint.href}`] : []),
  ];
  return toPrintable(parts.join(', '));
}

function accountOf(arn: string | undefined): string | undefined {
  return arn === undefined ? undefined : /^arn:[^:]+:[^:]+:[^:]*:(\d{12}):/.exec(arn)?.[1];
}
