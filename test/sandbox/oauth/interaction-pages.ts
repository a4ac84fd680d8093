import { text } from 'node:stream/consumers';
import type { KoaContextWithOIDC, Provider } from 'oidc-provider';

const PATH = /^\/interaction\/[\w-]+$/;

/** Where `oidc-provider` sends a browser whose user it has to ask something. */
export function interactionUrl(uid: string): string {
  return `/interaction/${uid}`;
}

/** The pages on which a user signs in and then allows or denies: plain forms, nothing from elsewhere. */
export function interactionPages(provider: Provider, scope: string) {
  return async (context: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> => {
    if (!PATH.test(context.path)) return await next();
    const { prompt } = await provider.interactionDetails(context.req, context.res);
    if (context.method === 'GET') {
      context.type = 'html';
      context.body = prompt.name === 'login' ? LOGIN : CONSENT;
      return;
    }
    const form = new URLSearchParams(await text(context.req));
    const result = await toResult(provider, scope, context, form);
    await provider.interactionFinished(context.req, context.res, result, { mergeWithLastSubmission: true });
  };
}

async function toResult(provider: Provider, scope: string, { req, res }: KoaContextWithOIDC, form: URLSearchParams) {
  const { prompt, params, session } = await provider.interactionDetails(req, res);
  if (form.get('choice') === 'deny') {
    return { error: 'access_denied', error_description: 'The user denied access.' };
  }
  if (prompt.name === 'login') return { login: { accountId: form.get('login') ?? '' } };
  const grant = new provider.Grant({ accountId: session?.accountId ?? '', clientId: String(params['client_id']) });
  grant.addOIDCScope(scope);
  return { consent: { grantId: await grant.save() } };
}

const page = (title: string, form: string) =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title><h1>${title}</h1>` +
  `<form method="post" autocomplete="off">${form}</form></html>`;

const LOGIN = page(
  'Sign in',
  '<label>E-mail <input name="login" required></label> <label>Password <input name="password" type="password" required></label> <button name="choice" value="login">Sign in</button>',
);
const CONSENT = page(
  'Allow access?',
  '<button name="choice" value="allow">Allow</button> <button name="choice" value="deny">Deny</button>',
);
