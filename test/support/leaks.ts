import { createHash } from 'node:crypto';
import * as z from 'zod';
import type { Sandbox } from '../sandbox/sandbox.ts';

/** A leak may show a part of a secret only: the start that a parser quotes, the end that a mask leaves. */
const WINDOW = 10;

/** Hex characters of a SHA-256 that logs and events may show. */
const FINGERPRINT = 12;

const JOURNAL_KIND = '"retently-token-refresh/';

/** Members of the secret that are not secret themselves. */
const HARMLESS = new Set([
  'client_id',
  'token_type',
  'expires_at',
  'refreshed_at',
  'redirect_uri',
  'auth_type',
  // A digest: what else is known of it counts, see `digestOf`.
  'spent_refresh_token_sha256',
  'refresh_token_expires_at',
  'refresh_token_obtained_at',
  'may_be_revoked',
  'reuse_possible_until',
]);

/** The secrets of which `text` shows a part, as it is or encoded in one of the usual ways, each with its first place. */
export function findLeaks(text: string, secrets: Iterable<string>): string[] {
  const windows = new Map<string, string>();
  for (const secret of secrets) {
    for (const form of formsOf(secret)) addWindows(windows, form, secret);
  }
  const leaks = new Map<string, string>();
  for (let start = 0; start + WINDOW <= text.length; start += 1) {
    const secret = windows.get(text.slice(start, start + WINDOW));
    if (secret !== undefined && !leaks.has(secret)) leaks.set(secret, text.slice(Math.max(0, start - 90), start + 90));
  }
  return [...leaks].map(([secret, place]) => `${secret} in …${place}…`);
}

function formsOf(secret: string): string[] {
  const escaped = JSON.stringify(secret).slice(1, -1);
  const forms = [secret, escaped, JSON.stringify(escaped).slice(1, -1), encodeURIComponent(secret)];
  forms.push(new URLSearchParams({ '': secret }).toString().slice(1), Buffer.from(secret).toString('hex'));
  // In the middle of a longer text, base64 begins at any of three places; what neighbours share is cut off.
  for (const padding of ['', 'x', 'xx']) {
    for (const encoding of ['base64', 'base64url'] as const) {
      forms.push(
        Buffer.from(padding + secret)
          .toString(encoding)
          .slice(4, -4),
      );
    }
  }
  return forms;
}

function addWindows(windows: Map<string, string>, form: string, secret: string): void {
  for (let start = 0; start + WINDOW <= form.length; start += 1) {
    windows.set(form.slice(start, start + WINDOW), secret);
  }
}

/** Rest of a digest after its fingerprint. A whole digest allows guesses to be checked, so only the journal may contain one. */
export function digestOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex').slice(FINGERPRINT);
}

const secretString = z.object({ SecretString: z.string() });
const secretBinary = z.object({ SecretBinary: z.instanceof(Uint8Array) });
const tokens = z.object({ access_token: z.string().optional(), refresh_token: z.string().optional() });

/** Every secret that went through the sandbox: stored, sent or answered. */
export function secretsOf({ aws, tokenEndpoint }: Sandbox): Set<string> {
  const secrets = new Set<string>();
  for (const { input, output } of aws.calls) {
    for (const each of [input, output]) collectStored(secretString.safeParse(each).data?.SecretString, secrets);
    const binary = secretBinary.safeParse(output).data?.SecretBinary;
    if (binary !== undefined) secrets.add(Buffer.from(binary).toString());
  }
  for (const { form, answer } of tokenEndpoint.requests) {
    for (const name of ['client_secret', 'refresh_token']) secrets.add(form[name] ?? '');
    const body = typeof answer?.body === 'string' ? parse(answer.body) : answer?.body;
    for (const token of Object.values(tokens.safeParse(body).data ?? {})) secrets.add(token ?? '');
  }
  return secrets;
}

/** Everything visible without access to the secret: outputs, errors, results, events, URLs, headers. */
export function whatIsSeen({ aws, tokenEndpoint, processes }: Sandbox): string {
  return [
    ...processes.flatMap(({ stdout, stderr, invocations }) => [stdout, stderr, JSON.stringify(invocations)]),
    ...aws.calls.map(({ input }) => JSON.stringify({ ...input, SecretString: undefined })),
    ...tokenEndpoint.requests.map(({ path, headers }) => path + JSON.stringify(headers)),
  ].join('\n');
}

/** Claims and failures, which hold no secret although they are in the secret. */
export function journalOf({ aws }: Sandbox): string {
  const stored = aws.calls.map(({ input }) => secretString.safeParse(input).data?.SecretString ?? '');
  return stored.filter((text) => text.includes(JOURNAL_KIND)).join('\n');
}

function collectStored(text: string | undefined, secrets: Set<string>): void {
  if (text === undefined || text.includes(JOURNAL_KIND)) return;
  const document = parse(text);
  // A text that is not an object may have been meant as one, so every word longer than a member's name counts.
  if (typeof document !== 'object') {
    for (const [part] of text.matchAll(/[\w-]{16,}/g)) secrets.add(part);
    return;
  }
  // Not recursive: one of the bad secrets is nested thousands deep.
  const pending = [document];
  while (pending.length > 0) {
    const holder = pending.pop();
    for (const [name, value] of Object.entries(holder ?? {})) {
      if (typeof value === 'object') pending.push(value);
      else if (typeof value === 'string' && !HARMLESS.has(name)) secrets.add(value);
    }
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
