/**
 * Returns the option of the AWS CLI for the region of a secret, with a space before it; empty if only the secret's name is known. The
 * CLI takes the region from its settings, and not from the ARN.
 */
export function regionOption(secretId: string): string {
  // A name contains no colon.
  const region = secretId.split(':')[3];
  return region ? ` --region ${region}` : '';
}
