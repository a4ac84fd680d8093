import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { parseScript, script } from '../support/script.ts';
import { ROOT } from './documents.ts';
import { PAGE_OF_MESSAGES, withMessages } from './messages.ts';

parseScript(
  script('npm run docs:messages --', 'Writes the list of error messages into docs/reference.md.'),
  z.object({}),
);
const path = join(ROOT, PAGE_OF_MESSAGES);
writeFileSync(path, withMessages(readFileSync(path, 'utf8')));
