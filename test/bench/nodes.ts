import { execFileSync } from 'node:child_process';

export interface NodeBinary {
  readonly path: string;
  /** Such as `v24.1.0`. */
  readonly version: string;
}

/** The Node that runs this, and the one that Lambda runs, if npm can bring it. */
export function findNodes(): { readonly nodes: readonly NodeBinary[]; readonly missing?: string } {
  const atHand = { path: process.execPath, version: process.version };
  if (process.version.startsWith('v24.')) return { nodes: [atHand] };
  try {
    const path = run('npx', ['--yes', '--package=node@24', '-c', 'command -v node']);
    const version = run(path, ['--version']);
    if (version.startsWith('v24.')) return { nodes: [{ path, version }, atHand] };
    return { nodes: [atHand], missing: `npm brought ${version} in its place` };
  } catch (error) {
    return { nodes: [atHand], missing: error instanceof Error ? error.message : String(error) };
  }
}

function run(command: string, args: readonly string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
}
