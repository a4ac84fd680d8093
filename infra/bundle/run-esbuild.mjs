// Runs esbuild with REPLACEMENTS, in a process of its own: plugins need esbuild's asynchronous API, and constructs of CDK
// cannot wait. Plain JavaScript, because Node 20 runs no TypeScript. Its argument is esbuild's options as JSON.
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
      // An update of the package has other text, and the replacement needs a look.
      if (contents === source) throw new Error(`The replacement for ${path} changes nothing.`);
      return { contents, loader: path.endsWith('.json') ? 'json' : 'js' };
    });
  },
};

const { metafilePath, isAsPublished, ...options } = JSON.parse(process.argv[2] ?? '');
const { metafile } = await build({ ...options, metafile: true, plugins: isAsPublished ? [] : [replacements] });
if (metafilePath !== undefined) writeFileSync(metafilePath, JSON.stringify(metafile));
