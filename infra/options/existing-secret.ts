import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import * as z from 'zod';
import { SECRET_NAME } from '../../lambda/contract.ts';
import { cdk, strictObject, text } from './option-types.ts';

const COMPLETE_ARN = `arn:aws[\\w-]*:secretsmanager:[a-z0-9-]+:\\d{12}:secret:${SECRET_NAME}-[A-Za-z0-9]{6}`;
const EXISTING_SECRET = 'be the name or the complete ARN (including the six characters at its end) of a secret';

/** Name or complete ARN of a secret, from an option or from a CDK secret. */
export const existingSecretSchema = z.union(
  [
    text(new RegExp(`^(${COMPLETE_ARN}|${SECRET_NAME})$`), EXISTING_SECRET).refine((id) => !mayLackItsEnd(id), {
      error: ({ input }) =>
        `be a complete ARN: "${String(input).slice(-7)}" may be a part of the name, or the suffix that AWS appends. Run \`aws secretsmanager describe-secret --secret-id <name> --query ARN\`. If it prints the same ARN, write { "completeArn": "arn:…" }`,
    }),
    strictObject({ completeArn: text(new RegExp(`^${COMPLETE_ARN}$`), EXISTING_SECRET) }),
    // Without the six characters at its end, an ARN may match another secret. In that case, the name is reliable.
    cdk<ISecret>('secretArn').transform(({ secretFullArn, secretName }) =>
      secretFullArn === undefined ? secretName : { completeArn: secretFullArn },
    ),
  ],
  { error: EXISTING_SECRET },
);

export type ExistingSecret = z.output<typeof existingSecretSchema>;

/**
 * Returns whether an ARN ends like a name: in a word, a number, or both. A complete ARN ends in six random letters and digits,
 * which look like that in one case of forty.
 */
function mayLackItsEnd(secretId: string): boolean {
  return /^arn:.*-(?=[A-Za-z0-9]{6}$)([a-z]*|[A-Z][a-z]*|[A-Z]*)\d*$/.test(secretId);
}

/** Returns the id of the secret for calls to Secrets Manager. */
export function secretIdOf(existingSecret: ExistingSecret): string {
  return typeof existingSecret === 'string' ? existingSecret : existingSecret.completeArn;
}
