import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PACKED_VARIABLE, pack } from './install.ts';

/**
 * Builds and packs the package once per test run.
 *
 * @returns the teardown, which removes the tarball
 */
export default function setUp(): () => void {
  const directory = mkdtempSync(join(tmpdir(), 'packed-'));
  process.env[PACKED_VARIABLE] = JSON.stringify(pack(directory));
  return () => {
    delete process.env[PACKED_VARIABLE];
    rmSync(directory, { recursive: true, force: true });
  };
}
