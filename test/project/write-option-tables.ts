import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './documents.ts';
import { PAGE_OF_OPTIONS, withOptionTables } from './option-tables.ts';

const path = join(ROOT, PAGE_OF_OPTIONS);
writeFileSync(path, withOptionTables(readFileSync(path, 'utf8')));
