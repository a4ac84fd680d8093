/** Hosts of the AWS console, by a pattern of region names. The hosts of the isolated partitions are not public. */
const CONSOLE_HOSTS: readonly (readonly [RegExp, string])[] = [
  [/^cn-/, 'console.amazonaws.cn'],
  [/^us-gov-/, 'console.amazonaws-us-gov.com'],
  [/^eusc-/, 'console.amazonaws-eusc.eu'],
  [/^[a-z]{2}-(?!iso)/, 'console.aws.amazon.com'],
];

/** Returns the part after `<region>.` in the AWS console's host name; `undefined` if it is unknown. */
export function consoleHost(region: string): string | undefined {
  return CONSOLE_HOSTS.find(([regions]) => regions.test(region))?.[1];
}
