import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';

/** Content of the last page in the browser. */
export interface LastPage {
  readonly isGood: boolean;
  readonly title: string;
  readonly paragraphs: readonly string[];
}

const STYLE =
  'body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:12vh auto;padding:0 1.5rem;color:#1a1a1a;background:#fff}' +
  'h1{font-size:1.5rem}h1.good::before{content:"✓ ";color:#0a7d33}h1.bad::before{content:"✗ ";color:#b3261e}' +
  '@media(prefers-color-scheme:dark){body{color:#eee;background:#161616}}';

const HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** Sends a page without scripts, external resources, or data from the request. */
export function sendPage(response: ServerResponse, page: LastPage, status = page.isGood ? 200 : 400): void {
  response.writeHead(status, HEADERS).end(render(page));
}

function render({ isGood, title, paragraphs }: LastPage): string {
  const texts = paragraphs.map((text) => `<p>${escapeHtml(text)}</p>`).join('\n');
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
<main>
<h1 class="${isGood ? 'good' : 'bad'}">${escapeHtml(title)}</h1>
${texts}
</main>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
