import { execFileSync } from 'node:child_process';

export interface NodeBinary {
  readonly path: string;
  /** Such as `v24.1.0`. */
  readonly version: string;
}

/** Returns the Node that Lambda runs; if npm cannot install it, the Node that runs this script, and the reason. */
export function findNode(): { readonly node: NodeBinary; readonly missing?: string } {
  const atHand = { path: process.execPath, version: process.version };
  if (process.version.startsWith('v24.')) return { node: atHand };
  try {
    const path = run('npx', ['--yes', '--package=node@24', '-c', 'command -v node']);
    const version = run(path, ['--version']);
    if (version.startsWith('v24.')) return { node: { path, version } };
    return { node: atHand, missing: `npm brought ${version} in its place` };
  } catch (error) {
    return { node: atHand, missing: error instanceof Error ? error.message : String(error) };
  }
}

function run(command: string, args: readonly string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
}
