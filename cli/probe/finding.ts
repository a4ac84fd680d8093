import { DEFAULTS, MIN_TOKEN_LIFETIME_SECONDS } from '../../lambda/contract.ts';
import { formatSeconds } from '../status/format.ts';
import type { Observation, TokenAnswer } from './token-request.ts';

/** Row of the report, which is safe to publish. */
export interface Finding {
  readonly question: string;
  readonly answer: string;
  /** Consequence for the options of the stack and for the secret. */
  readonly meaning: string;
  readonly observation?: Observation;
}

export function ofCode({ observation }: TokenAnswer): Finding {
  const { expiresIn, members } = observation;
  const life = expiresIn === undefined ? 'no expires_in' : `expires_in ${expiresIn} (${formatSeconds(expiresIn)})`;
  return {
    question: 'What does a response contain, and how long is a token valid?',
    answer: `${members.join(', ')}; ${life}`,
    meaning: meaningOfLife(expiresIn),
    observation,
  };
}

function meaningOfLife(expiresIn: number | undefined): string {
  if (expiresIn === undefined) {
    return 'Set tokenLifetime to the value that Retently documents: the response contains none.';
  }
  if (expiresIn === DEFAULTS.defaultTokenLifetimeSeconds) return `tokenLifetime stays at its default, ${expiresIn} s.`;
  if (expiresIn < MIN_TOKEN_LIFETIME_SECONDS) {
    return `Too short for the stack, which supports lifetimes from ${MIN_TOKEN_LIFETIME_SECONDS} s without a gap.`;
  }
  return `Set tokenLifetime to { "seconds": ${expiresIn} }: the interval is checked against it, and no longer lifetime is accepted.`;
}

export function ofWrongToken({ observation, isSuccess }: TokenAnswer): Finding {
  return {
    question: 'What is the response to a wrong refresh token?',
    answer: describe(observation),
    meaning: isSuccess
      ? 'Unreliable: the server accepted a refresh token that does not exist. Check --token-endpoint.'
      : meaningOfRefusal(observation, 'invalid_grant', 'REAUTHORIZATION_REQUIRED'),
    observation,
  };
}

export function ofWrongSecret({ observation, isSuccess }: TokenAnswer): Finding {
  return {
    question: 'What is the response to a wrong client secret?',
    answer: describe(observation),
    meaning: isSuccess
      ? 'The server does not check the client secret: anyone who has a refresh token can use the grant.'
      : meaningOfRefusal(observation, 'invalid_client', 'CLIENT_REJECTED'),
    observation,
  };
}

function meaningOfRefusal({ code }: Observation, expected: string, faultCode: string): string {
  if (code === expected) return `As in RFC 6749: the function reports ${faultCode} immediately.`;
  return code === undefined || /^\d/.test(code)
    ? 'No code of RFC 6749: the cause is unknown. The function retries with back-off, and reports REAUTHORIZATION_PROBABLE after some hours.'
    : `Not ${expected}: the function does not send the request again, and reports the meaning of the code.`;
}

export function ofRefresh(which: 'with' | 'without', { observation, isSuccess }: TokenAnswer): Finding {
  const meaning = {
    with: isSuccess ? 'A redirect_uri in the secret is harmless.' : 'Remove redirect_uri from the secret.',
    without: isSuccess
      ? 'The secret needs no redirect_uri.'
      : 'Add the redirect_uri of the authorization to the secret.',
  };
  return {
    question: `Does a refresh ${which} redirect_uri work?`,
    answer: isSuccess ? `yes: ${describe(observation)}` : `no: ${describe(observation)}`,
    meaning: meaning[which],
    observation,
  };
}

export function ofNoRefresh(): Finding {
  return {
    question: 'Does a refresh work at all?',
    answer: 'no',
    meaning: 'The other questions have no answer. Check that the application has offline access.',
  };
}

export function ofRotation({ observation, refreshToken }: TokenAnswer, before: TokenAnswer): Finding {
  const answer =
    refreshToken === undefined
      ? 'no: the response has none'
      : refreshToken === before.refreshToken
        ? 'no: the response has the same one'
        : 'yes';
  const meaning =
    answer === 'yes'
      ? 'Each refresh token works only once: use a separate grant for every place that refreshes.'
      : 'The refresh token stays valid: a lost response is harmless.';
  return { question: 'Does a refresh change the refresh token?', answer, meaning, observation };
}

export function ofOldBearer(newStatus: number, oldStatus: number, isSame: boolean): Finding {
  const question = 'Does the old access token work after a refresh?';
  const statuses = `HTTP ${oldStatus} with the old one, ${newStatus} with the new one`;
  if (newStatus < 200 || newStatus > 299) {
    const meaning = 'Unknown: the API did not accept the new token either. Choose another --api-url.';
    return { question, answer: statuses, meaning };
  }
  if (isSame) return { question, answer: 'it is the same one', meaning: 'A refresh does not affect consumers.' };
  return oldStatus >= 200 && oldStatus <= 299
    ? { question, answer: `yes: ${statuses}`, meaning: 'Consumers can use a token until it expires.' }
    : {
        question,
        answer: `no: ${statuses}`,
        meaning: 'Consumers must read the secret again on a 401. Use short cache times.',
      };
}

export function ofReuse(answer: TokenAnswer, untilSeconds: number | undefined, triedSeconds: number): Finding {
  const { observation } = answer;
  const question = 'Does a used refresh token work again?';
  if (untilSeconds === undefined) {
    const meaning =
      'A crash between a response and its storage requires a new authorization. SECURITY.md shows how rare this is.';
    return { question, answer: `no: ${describe(observation)}`, meaning, observation };
  }
  const limit = answer.isSuccess
    ? `yes, during the whole test (${formatSeconds(triedSeconds)})`
    : `yes, for at least ${formatSeconds(untilSeconds)}, but not after ${formatSeconds(triedSeconds)}`;
  const meaning = 'During that time, a lost response can be requested again, so a crash loses nothing.';
  return { question, answer: limit, meaning, observation };
}

export function ofGrantAfterReuse({ observation, isSuccess }: TokenAnswer, bearerStatus: number): Finding {
  const isBearerAlive = bearerStatus >= 200 && bearerStatus <= 299;
  const bearer = isBearerAlive ? 'the access token is valid' : 'the access token is revoked';
  return {
    question: 'Is the grant still valid after a used refresh token was sent again?',
    answer: isSuccess ? `yes; ${bearer}` : `no: ${describe(observation)}; ${bearer}`,
    meaning: isSuccess
      ? 'A refresh token that is sent twice by mistake is harmless.'
      : 'Never restore an older value of the secret: it would revoke the grant.',
    observation,
  };
}

function describe({ status, contentType, members, code }: Observation): string {
  const parts = [`HTTP ${status}`, contentType ?? 'no content type'];
  if (members.length > 0) parts.push(members.join(', '));
  if (code !== undefined) parts.push(`code ${code}`);
  return parts.join('; ');
}
