// Runs esbuild with REPLACEMENTS in a separate process: plugins need esbuild's asynchronous API, and CDK constructs cannot
// wait. Plain JavaScript, because Node 20 does not run TypeScript. The argument contains esbuild's options as JSON.
import { readFileSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';
import { REPLACEMENTS } from './replacements.mjs';

const paths = Object.keys(REPLACEMENTS).map((path) => path.replaceAll('.', '\\.').replaceAll('/', '[\\\\/]'));

const replacements = {
  name: 'replacements',
  setup({ onLoad }) {
    onLoad({ filter: new RegExp(`node_modules[\\\\/](?:${paths.join('|')})$`) }, ({ path }) => {
      const source = readFileSync(path, 'utf8');
      const contents = REPLACEMENTS[path.replaceAll('\\', '/').split('/node_modules/').at(-1)](source);
      // An update of the package changed this file, so someone has to review the replacement.
      if (contents === source)
        throw new Error(
          `Cannot replace code in ${path}: the replacement changes nothing. Adapt it to this version of the package.`,
        );
      return { contents, loader: path.endsWith('.json') ? 'json' : 'js' };
    });
  },
};

const { metafilePath, isAsPublished, ...options } = JSON.parse(process.argv[2] ?? '');
const { metafile } = await build({ ...options, metafile: true, plugins: isAsPublished ? [] : [replacements] });
if (metafilePath !== undefined) writeFileSync(metafilePath, JSON.stringify(metafile));
