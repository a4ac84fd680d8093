import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { CHROMIUM, clickThroughPages, startChromium } from '../support/chromium.ts';
import { parseScript, script } from '../support/script.ts';
import { capturePages, drawStatus, type GoThrough, STATUS_PICTURE } from './captures.ts';

const PICTURE = fileURLToPath(new URL('../../docs/images/authorized.png', import.meta.url));

parseScript(
  script(
    'npm run screenshots --',
    'Writes what the commands print into docs/command-line.md and docs/probe.md, and draws docs/images/status.svg.',
  ),
  z.object({}),
);
if (CHROMIUM === undefined) console.warn('No Chromium is installed here: the picture of the last page stays as it is.');
const pages = await capturePages(CHROMIUM === undefined ? undefined : takePicture);
for (const { path, captured } of pages) writeFileSync(path, captured);
writeFileSync(STATUS_PICTURE, drawStatus(pages[0]?.captured ?? ''));

async function takePicture(...[start]: Parameters<GoThrough>): Promise<void> {
  const browser = await startChromium();
  const page = await browser.newPage({ viewport: { width: 760, height: 420 } });
  await clickThroughPages(page, start, 'allow');
  await page.screenshot({ path: PICTURE });
  await browser.close();
}
