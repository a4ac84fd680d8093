import { CommandError } from '../command-error.ts';
import { withoutSecrets } from '../environment.ts';
import { askHidden } from '../terminal/ask.ts';
import { terminal } from '../terminal/terminal.ts';
import { type AuthorizationRequest, createAuthorizationRequest } from './authorization-request.ts';
import { isLoopback } from './endpoints.ts';
import { validateAnswer } from './exchange-code.ts';
import type { LastPage } from './last-page.ts';
import { readPastedAnswer } from './pasted-answer.ts';
import { RedirectListener } from './redirect-listener.ts';
import type { RedirectTarget } from './redirect-target.ts';

export interface BrowserOptions {
  readonly authorizationEndpoint: URL;
  /** Whether to send PKCE's parameters. */
  readonly pkce: boolean;
  /** Whether the user pastes the redirected URL. */
  readonly manual?: boolean | undefined;
  /** Whether to open a browser, or only to print the URL. */
  readonly open: boolean;
  readonly waitSeconds: number;
}

/** Validated answer of the browser. */
export interface Authorized {
  readonly request: AuthorizationRequest;
  readonly parameters: URLSearchParams;
}

/**
 * Sends a browser to the consent page and waits for its answer. `act` processes the answer, and the page that it returns, or
 * the message that it throws, is the last page in the browser.
 */
export async function authorizeInBrowser<T>(
  clientId: string,
  target: RedirectTarget,
  options: BrowserOptions,
  act: (authorized: Authorized) => Promise<{ value: T; page: LastPage }>,
): Promise<T> {
  const { redirectUri } = target;
  const isElsewhere = !isLoopback(new URL(redirectUri));
  if (isElsewhere)
    terminal.say(`The redirect URI ${redirectUri} does not lead to this machine, so you have to paste the address.`);
  if (options.manual || isElsewhere) return await authorizeByHand(clientId, redirectUri, options, act);

  await using listener = await RedirectListener.start(target);
  const request = await createAuthorizationRequest(
    options.authorizationEndpoint,
    clientId,
    listener.redirectUri,
    options.pkce,
  );
  await invite(request, options.open);
  const answer = await terminal.progress(
    'Waiting for the browser',
    listener.receive(request.state, options.waitSeconds),
  );
  try {
    const { value, page } = await act({ request, parameters: validateAnswer(request, answer) });
    await listener.finish(page);
    return value;
  } catch (error) {
    const sentence = error instanceof CommandError ? error.message : 'An unexpected error occurred.';
    const paragraphs = [sentence, 'You can close this page. The terminal shows the same message.'];
    await listener.finish({ isGood: false, title: 'The authorization failed', paragraphs });
    throw error;
  }
}

async function authorizeByHand<T>(
  clientId: string,
  redirectUri: string,
  options: BrowserOptions,
  act: (authorized: Authorized) => Promise<{ value: T }>,
): Promise<T> {
  const request = await createAuthorizationRequest(options.authorizationEndpoint, clientId, redirectUri, options.pkce);
  await invite(request, false);
  terminal.say('Then copy the whole address of the last page, even if the browser cannot show that page.');
  const answer = await askForAnswer(request);
  const { value } = await act({ request, parameters: validateAnswer(request, answer) });
  return value;
}

/** Asks until the answer is usable: its code works only once, and the user may have copied only a part. */
async function askForAnswer(request: AuthorizationRequest): Promise<URL> {
  for (;;) {
    const pasted = await askHidden(
      'Paste that address here (it is not shown):',
      'Run the command in a terminal, or without --manual.',
    );
    const answer = readPastedAnswer(pasted, request);
    if (typeof answer !== 'string') return answer;
    terminal.say(`That address cannot be used. ${answer} Try again, or stop with Ctrl-C.`);
  }
}

async function invite({ url }: AuthorizationRequest, isToBeOpened: boolean): Promise<void> {
  terminal.say(`Sign in to Retently and allow access on this page:\n\n  ${url.href}\n`);
  if (!isToBeOpened) return;
  const { default: open } = await import('open');
  try {
    const browser = await withoutSecrets(() => open(url.href));
    browser.on('error', () => undefined);
  } catch {
    // The address is printed above, so the user can open it by hand.
  }
}
