import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { parseScript, script } from '../support/script.ts';
import { ROOT } from './documents.ts';
import { PAGE_OF_OPTIONS, withOptionTables } from './option-tables.ts';

parseScript(
  script('npm run docs:options --', 'Writes the tables of options into docs/configuration.md.'),
  z.object({}),
);
const path = join(ROOT, PAGE_OF_OPTIONS);
writeFileSync(path, withOptionTables(readFileSync(path, 'utf8')));
