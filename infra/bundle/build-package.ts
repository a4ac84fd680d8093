import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleHandler, entryPathOf, HANDLER_NAMES, runEsbuild } from './bundle-handler.ts';
import { readPackages, toNotices } from './third-party-notices.ts';

// Builds `dist/`, which is the whole package except for its documents:
// - cjs/         the constructs, with their declarations; all dependencies except CDK are bundled
// - esm/         the same constructs for ES modules, because two copies in one app would not recognize each other
// - handlers/    the functions, bundled as in a checkout
// - cli/         the command line, with all its dependencies bundled

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DIST = join(ROOT, 'dist');
const ENTRY = 'infra/index.ts';
const COMMAND_LINE = 'cli/main.ts';

const NODE = [
  '--bundle',
  '--platform=node',
  '--target=node20',
  '--main-fields=module,main',
  // THIRD-PARTY-NOTICES.txt contains these comments and more.
  '--legal-comments=none',
  '--log-level=warning',
];
// An app bundled into one ES module has no `__filename`. An error then explains that the function's code is missing.
const COMMONJS_URL =
  'const moduleUrl = typeof __filename === "undefined" ? "file:///C:/bundle/index.js" : require("node:url").pathToFileURL(__filename).href;';
const REQUIRE =
  "import { createRequire as createRequireOfBundle } from 'node:module';const require = createRequireOfBundle(import.meta.url);";

const scratch = mkdtempSync(join(tmpdir(), 'retently-token-refresh-build-'));
try {
  rmSync(DIST, { recursive: true, force: true });
  const metafile = (name: string) => join(scratch, `${name}.json`);
  for (const name of HANDLER_NAMES) {
    bundleHandler(join(DIST, 'handlers', name), { entryPath: entryPathOf(name), metafilePath: metafile(name) });
  }
  bundleConstruct(metafile('construct'));
  writeDeclarations();
  bundleCommandLine(metafile('cli'));
  const packages = [...HANDLER_NAMES, 'construct', 'cli'].flatMap((name) => readPackages(ROOT, metafile(name)));
  writeFileSync(join(DIST, 'THIRD-PARTY-NOTICES.txt'), toNotices(packages));
} finally {
  rmSync(scratch, { recursive: true });
}

function bundleConstruct(metafilePath: string): void {
  runEsbuild([
    join(ROOT, ENTRY),
    `--outfile=${DIST}/cjs/index.js`,
    '--format=cjs',
    '--define:import.meta.url=moduleUrl',
    `--banner:js=${COMMONJS_URL}`,
    `--metafile=${metafilePath}`,
    '--external:aws-cdk-lib',
    '--external:constructs',
    // Node prints the line that threw, which would be the whole bundle if it had no line breaks.
    '--minify-syntax',
    ...NODE,
  ]);
  // Otherwise, Node would load the file as an ES module, because of package.json.
  writeFileSync(join(DIST, 'cjs/package.json'), '{ "type": "commonjs" }\n');
  mkdirSync(join(DIST, 'esm'));
  const wrapper =
    "import construct from '../cjs/index.js';\n\nexport const { TokenRefresh, TokenRefreshFleet } = construct;\n";
  writeFileSync(join(DIST, 'esm/index.js'), wrapper);
}

function bundleCommandLine(metafilePath: string): void {
  if (!existsSync(join(ROOT, COMMAND_LINE))) return;
  runEsbuild([
    `main=${join(ROOT, COMMAND_LINE)}`,
    `--outdir=${DIST}/cli`,
    '--format=esm',
    '--splitting',
    // For the user agent in a browser.
    '--external:bowser',
    // CommonJS code in the bundle loads Node's own modules with `require`.
    `--banner:js=${REQUIRE}`,
    `--metafile=${metafilePath}`,
    '--minify',
    ...NODE,
  ]);
}

/** Writes the declarations of the public interface, once per module format. Of all packages, they may import only CDK. */
function writeDeclarations(): void {
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [tsc, '-p', join(ROOT, 'tsconfig.build.json'), '--outDir', scratch], {
    stdio: 'inherit',
  });
  for (const path of reachableFrom(join(scratch, ENTRY.replace(/\.ts$/, '.d.ts')))) {
    const declarations = readFileSync(path, 'utf8').replaceAll(/(from '\.[^']*)\.ts'/g, "$1.js'");
    for (const format of ['esm', 'cjs']) {
      const target = join(DIST, format, relative(join(scratch, 'infra'), path));
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, declarations);
    }
  }
}

function reachableFrom(path: string): readonly string[] {
  const modules = [...readFileSync(path, 'utf8').matchAll(/(?:from|import\()\s*['"]([^'"]+)['"]/g)].map(
    ([, name = '']) => name,
  );
  const stranger = modules.find((name) => !/^\.|^aws-cdk-lib(\/|$)|^constructs$/.test(name));
  if (stranger !== undefined)
    throw new Error(
      `Cannot write the declarations: ${relative(scratch, path)} imports ${stranger}, which users do not have.`,
    );
  const own = modules.filter((name) => name.startsWith('.'));
  return [path, ...own.flatMap((name) => reachableFrom(join(dirname(path), name.replace(/\.ts$/, '.d.ts'))))];
}
