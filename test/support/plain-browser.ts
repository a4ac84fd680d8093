/** Choice of a user on the pages of the authorization server. */
export type Choice = 'allow' | 'deny';

/** Where the pages ended. */
export interface LastResponse {
  readonly url: URL;
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

const MAX_STEPS = 20;

/**
 * A browser with cookies and forms and nothing else: follows the pages of the sandbox's authorization server.
 *
 * @param stopAt the redirect to this URI is not followed; `undefined`: it is, to the last page
 */
export async function walkThroughPages(start: string, choice: Choice, stopAt?: string): Promise<LastResponse> {
  const cookies = new Map<string, string>();
  let url = new URL(start);
  let form: URLSearchParams | undefined;
  for (let step = 0; step < MAX_STEPS; step += 1) {
    const response: Response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: [...cookies].map((pair) => pair.join('=')).join('; ') },
      ...(form === undefined ? {} : { method: 'POST', body: form }),
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      cookies.set(name, value);
    }
    const { status, headers } = response;
    const body = await response.text();
    const location = headers.get('location');
    form = undefined;
    if (location !== null) {
      url = new URL(location, url);
      if (stopAt !== undefined && url.href.startsWith(stopAt)) return { url, status, headers, body };
    } else if (body.includes('<h1>Sign in')) {
      form = new URLSearchParams({ login: 'owner@example.com', password: 'any', choice: 'login' });
    } else if (body.includes('<h1>Allow access?')) {
      form = new URLSearchParams({ choice });
    } else {
      return { url, status, headers, body };
    }
  }
  throw new Error(`After ${MAX_STEPS} steps the pages have not ended: ${url.origin}${url.pathname}`);
}
