import { bundleWithContent } from './bundle-content.ts';

/** Prints the size of each part of the deployed bundle. */
export function renderSizes(): string {
  const files = bundleWithContent();
  const rows = files.flatMap((file) =>
    [...file.bytesByOrigin].map(([origin, bytes]) => ({ origin, bytes, when: file.isOfStart ? 'start' : 'events' })),
  );
  const sums = new Map<string, { origin: string; when: string; bytes: number }>();
  for (const { origin, when, bytes } of rows) {
    const key = `${origin} ${when}`;
    sums.set(key, { origin, when, bytes: (sums.get(key)?.bytes ?? 0) + bytes });
  }
  const total = (isOfStart?: boolean) =>
    files
      .filter((file) => isOfStart === undefined || file.isOfStart === isOfStart)
      .reduce((sum, { bytes }) => sum + bytes, 0);
  return [
    '| bytes | of | loaded with |',
    '|---|---|---|',
    ...[...sums.values()]
      .sort((a, b) => b.bytes - a.bytes)
      .map(
        ({ bytes, origin, when }) =>
          `| ${group(bytes)} | \`${origin}\` | ${when === 'start' ? 'the start' : 'the first event'} |`,
      ),
    `| **${group(total(true))}** | **all files of the start** | |`,
    `| **${group(total())}** | **all files** | |`,
  ].join('\n');
}

function group(bytes: number): string {
  return bytes.toLocaleString('en-US');
}
