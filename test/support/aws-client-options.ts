/** Constructor options of an AWS client that speaks to `endpoint` on loopback, once. */
export function awsClientOptions(endpoint: string) {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  return { endpoint, region: 'us-east-1', credentials, maxAttempts: 1 };
}
