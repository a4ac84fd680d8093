/** The AWS console of each partition, by the names of its regions. Those of the isolated partitions are not public. */
const CONSOLE_HOSTS: readonly (readonly [RegExp, string])[] = [
  [/^cn-/, 'console.amazonaws.cn'],
  [/^us-gov-/, 'console.amazonaws-us-gov.com'],
  [/^eusc-/, 'console.amazonaws-eusc.eu'],
  [/^[a-z]{2}-(?!iso)/, 'console.aws.amazon.com'],
];

/** What follows `<region>.` in the address of the AWS console; `undefined` if it is not known. */
export function consoleHost(region: string): string | undefined {
  return CONSOLE_HOSTS.find(([regions]) => regions.test(region))?.[1];
}
