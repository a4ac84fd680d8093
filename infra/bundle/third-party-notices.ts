import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';

const metafileSchema = z.object({ inputs: z.record(z.string(), z.unknown()) });
const packageSchema = z.object({ name: z.string(), version: z.string(), license: z.string() });

interface BundledPackage extends z.output<typeof packageSchema> {
  /** Empty if the package has no license file. */
  readonly licenseText: string;
}

/** Returns the packages that a bundle contains; none if the bundle does not exist. */
export function readPackages(root: string, metafilePath: string): readonly BundledPackage[] {
  if (!existsSync(metafilePath)) return [];
  const { inputs } = metafileSchema.parse(JSON.parse(readFileSync(metafilePath, 'utf8')));
  const folders = Object.keys(inputs).flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path) ?? []);
  return [...new Set(folders)].map((folder) => {
    const directory = join(root, folder);
    const files = readdirSync(directory).filter((name) => /^(licen[cs]e|notice)/i.test(name));
    const licenseText = files.map((name) => readFileSync(join(directory, name), 'utf8').trim()).join('\n\n');
    return { ...packageSchema.parse(JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'))), licenseText };
  });
}

/** Returns the notices that the licenses of bundled packages require: names and texts, each text only once. */
export function toNotices(packages: readonly BundledPackage[]): string {
  const names = new Map<string, Set<string>>();
  for (const { name, version, license, licenseText } of packages) {
    const text = licenseText || `License: ${license}`;
    names.set(text, (names.get(text) ?? new Set()).add(`${name} ${version} (${license})`));
  }
  const notices = [...names].map(([text, bundled]) => `${[...bundled].sort().join('\n')}\n\n${text}\n`);
  return `The bundles of this package contain the following packages.\n\n${notices.join(`\n${'-'.repeat(80)}\n\n`)}`;
}
