import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import * as z from 'zod';
import { cdk, strictObject, text } from './option-types.ts';

const SECRET_NAME = String.raw`[\w/+=.@-]{1,512}`;
const COMPLETE_ARN = `arn:aws[\\w-]*:secretsmanager:[a-z0-9-]+:\\d{12}:secret:${SECRET_NAME}-[A-Za-z0-9]{6}`;
const EXISTING_SECRET = 'be the name or the complete ARN (with the six characters at its end) of a secret';

/** Name or complete ARN of a secret, from an option or from a secret of CDK. */
export const existingSecretSchema = z.union(
  [
    text(new RegExp(`^(${COMPLETE_ARN}|${SECRET_NAME})$`), EXISTING_SECRET).refine((id) => !mayLackItsEnd(id), {
      error: ({ input }) =>
        `be complete: "${String(input).slice(-7)}" may be the end of its name, or what AWS puts after it. Ask \`aws secretsmanager describe-secret --secret-id <name> --query ARN\`. If it prints this very ARN, write { "completeArn": "arn:…" }`,
    }),
    strictObject({ completeArn: text(new RegExp(`^${COMPLETE_ARN}$`), EXISTING_SECRET) }),
    // Without its six characters at the end, an ARN may name another secret. Then the name is certain.
    cdk<ISecret>('secretArn').transform(({ secretFullArn, secretName }) =>
      secretFullArn === undefined ? secretName : { completeArn: secretFullArn },
    ),
  ],
  { error: EXISTING_SECRET },
);

export type ExistingSecret = z.output<typeof existingSecretSchema>;

/**
 * Whether an ARN ends like a name: in a word, a number, or a word and a number. AWS ends a complete one in six letters and
 * digits, which read like that once in forty times.
 */
function mayLackItsEnd(secretId: string): boolean {
  return /^arn:.*-(?=[A-Za-z0-9]{6}$)([a-z]*|[A-Z][a-z]*|[A-Z]*)\d*$/.test(secretId);
}

/** Returns what names the secret to Secrets Manager. */
export function secretIdOf(existingSecret: ExistingSecret): string {
  return typeof existingSecret === 'string' ? existingSecret : existingSecret.completeArn;
}
