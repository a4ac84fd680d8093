/** As every AWS tool takes them; what is absent comes from the environment and from the shared files. */
export interface AwsSettings {
  readonly profile?: string | undefined;
  readonly region?: string | undefined;
}

/** A person waits: an endpoint that does not answer is told within seconds, not minutes. */
const CONNECTION_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 15_000;

/** Constructor options of an AWS client. */
export function clientOptions({ profile, region }: AwsSettings, requestTimeoutMs = REQUEST_TIMEOUT_MS) {
  return {
    ...(profile === undefined ? {} : { profile }),
    ...(region === undefined ? {} : { region }),
    maxAttempts: 3,
    requestHandler: {
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      requestTimeout: requestTimeoutMs,
      throwOnRequestTimeout: true,
    },
  };
}
