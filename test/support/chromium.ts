import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';
import type { Choice } from './plain-browser.ts';

const EXECUTABLES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

export const CHROMIUM = EXECUTABLES.find((path) => existsSync(path));

export async function startChromium(): Promise<Browser> {
  if (CHROMIUM === undefined) throw new Error('There is no Chromium here.');
  // As root, Chromium starts without its sandbox only.
  return await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'], timeout: 0 });
}

/** Goes through the pages as a person does, to the last one. */
export async function clickThroughPages(page: Page, start: string, choice: Choice): Promise<void> {
  // A busy machine is no reason to fail.
  page.setDefaultTimeout(0);
  await page.goto(start);
  await page.getByLabel('E-mail').fill('owner@example.com');
  await page.getByLabel('Password').fill('any');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('button', { name: choice === 'allow' ? 'Allow' : 'Deny' }).click();
  await page.waitForURL('**/done/*');
}
