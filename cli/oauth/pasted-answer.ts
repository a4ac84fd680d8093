import type { AuthorizationRequest } from './authorization-request.ts';
import { isEqualText } from './is-equal-text.ts';

/** Parses a pasted address, or only its parameters. @returns a message if it is not usable */
export function readPastedAnswer(
  pasted: string,
  { state, redirectUri }: Pick<AuthorizationRequest, 'state' | 'redirectUri'>,
): URL | string {
  // Shells escape characters, mail clients wrap lines and write "&amp;", and people copy the quotes.
  const text = pasted
    .replaceAll(/[\s\p{Cf}"'`“”‘’<>\\]/gu, '')
    .replaceAll('&amp;', '&')
    .replace(/#.*$/, '')
    .replace(/^[([{]+/, '')
    // A code may be last, too. RFC 6749 allows it to end with one of these, but a sentence around the address is more likely.
    .replace(/[)\]}.,;:!?]+$/, '')
    // A `state` of ours ends with none of these, but a sentence around the address may.
    .replace(/([?&]state=[\w-]*)[^\w&-]*$/, '$1');
  const query = text.slice(text.indexOf('?') + 1);
  const parameters = new URLSearchParams(query);
  const codes = parameters.getAll('code');
  if (codes.length > 1) return 'It has two codes. Copy one address.';
  if (!codes[0] && !parameters.has('error')) return 'It has no code.';
  const [found, ...more] = parameters.getAll('state');
  if (found === undefined || more.length > 0) return 'It has no state. Copy the address to its end.';
  if (!isEqualText(found, state))
    return 'It belongs to another attempt: its state differs. Use the page printed above.';
  const answer = new URL(redirectUri);
  answer.search = parameters.toString();
  return answer;
}
