import { nameOf } from '../core/fault.ts';

const ROLE_AND_POLICIES =
  "Check the function's role, the secret's resource policy and, if the secret has a customer-managed KMS key, its key policy.";

/** Names of the errors by which AWS and KMS deny a call, usually with `Exception` at the end. They have no modeled class. */
const DENIALS: ReadonlyMap<string, string> = new Map([
  ['AccessDenied', ROLE_AND_POLICIES],
  ['NotAuthorized', ROLE_AND_POLICIES],
  ['DecryptionFailure', 'The KMS key of the secret does not decrypt: check its key policy and its state.'],
  ['EncryptionFailure', 'The KMS key of the secret does not encrypt: check its key policy and its state.'],
  ['ExpiredToken', "The function's AWS credentials have expired."],
  ['IncompleteSignature', "AWS does not accept the signature of the function's AWS credentials."],
  ['InvalidClientTokenId', "AWS does not know the function's AWS credentials."],
  ['InvalidSignature', "AWS does not accept the signature of the function's AWS credentials: check its clock."],
  ['MissingAuthenticationToken', 'The request had no AWS credentials.'],
  ['SignatureDoesNotMatch', "AWS does not accept the signature of the function's AWS credentials: check its clock."],
  ['UnrecognizedClient', "AWS does not know the function's AWS credentials."],
]);

/** Parts of AWS's own messages that show why access was denied. The messages name ARNs, so they are never quoted. */
const SUSPECTS: readonly (readonly [RegExp, string])[] = [
  [/Access to KMS|\bkms:[A-Z]/, "AWS names KMS: check the policy and the state of the secret's key."],
  [
    /explicit deny in a service control policy|service control policy/i,
    'AWS names a service control policy of the organization.',
  ],
  [/permissions boundary/i, "AWS names the permissions boundary of the function's role."],
  [/VPC endpoint policy/i, 'AWS names the policy of the VPC endpoint for Secrets Manager.'],
  [/resource-based policy/i, "AWS names the secret's resource policy."],
  [/identity-based policy/i, "AWS names the policies of the function's role."],
];

/** Advice on Node's error codes of a connection to AWS. */
const CONNECTION_ADVICE =
  'AWS was not reached. In a VPC, check that the subnets lead to AWS (a NAT gateway or an interface endpoint), the security groups and DNS.';

const TLS_ADVICE =
  'The TLS connection is not trusted: check for a proxy with its own certificate, and for a wrong clock.';

export interface AwsErrorDescription {
  /** AWS denied the call: a retry does not help. */
  readonly isDenial: boolean;
  /** Name of the error, or Node's code. Quotes nothing that was received. */
  readonly what: string;
  /** Sentence that says what to check; empty if nothing is known. */
  readonly advice: string;
}

/** @param timeoutSeconds after which our own timeout ends a call */
export function describeAwsError(error: unknown, timeoutSeconds: number): AwsErrorDescription {
  const what = nameOf(error);
  const denial = DENIALS.get(what.replace(/Exception$/, ''));
  if (denial === ROLE_AND_POLICIES) return { isDenial: true, what, advice: suspectOf(error) ?? denial };
  if (denial !== undefined) return { isDenial: true, what, advice: denial };
  if (what.startsWith('KMS')) {
    return { isDenial: true, what, advice: "Check the state of the secret's KMS key and its key policy." };
  }
  if (what === 'CredentialsProviderError') {
    return { isDenial: false, what, advice: 'There are no AWS credentials: a function has those of its role.' };
  }
  if (what === 'AbortError') return unreached(`no response within the timeout of ${timeoutSeconds} s`);
  const code = codeOf(error);
  if (code !== undefined) return { isDenial: false, what: code, advice: adviceOnCode(code) };
  return what === 'TimeoutError' ? unreached(`no response in time (${what})`) : { isDenial: false, what, advice: '' };
}

function suspectOf(error: unknown): string | undefined {
  return SUSPECTS.find(([pattern]) => pattern.test(String(error)))?.[1];
}

function adviceOnCode(code: string): string {
  if (/^(ECONN|ENOTFOUND|EAI_|EHOST|ENET|ETIMEDOUT|EPIPE)/.test(code)) return CONNECTION_ADVICE;
  return /CERT|SIGNATURE|TLS|SSL|EPROTO/.test(code) ? TLS_ADVICE : '';
}

function unreached(what: string): AwsErrorDescription {
  return { isDenial: false, what, advice: CONNECTION_ADVICE };
}

/** Returns the code of a Node system error, such as `ECONNREFUSED`; after several attempts, the code of the first. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const code: unknown = Reflect.get(error, 'code');
  if (typeof code === 'string' && /^[A-Z][A-Z0-9_]{2,40}$/.test(code)) return code;
  return error instanceof AggregateError ? codeOf(error.errors[0]) : undefined;
}
