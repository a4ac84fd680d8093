import { DEFAULTS, MIN_TOKEN_LIFETIME_SECONDS } from '../../lambda/contract.ts';
import { formatSeconds } from '../status/format.ts';
import type { Observation, TokenAnswer } from './token-request.ts';

/** One row: safe to publish. */
export interface Finding {
  readonly question: string;
  readonly answer: string;
  /** What it means for the options of the stack and for the secret. */
  readonly meaning: string;
  readonly observation?: Observation;
}

export function ofCode({ observation }: TokenAnswer): Finding {
  const { expiresIn, members } = observation;
  const life = expiresIn === undefined ? 'no expires_in' : `expires_in ${expiresIn} (${formatSeconds(expiresIn)})`;
  return {
    question: 'What does an answer hold, and how long does a token live?',
    answer: `${members.join(', ')}; ${life}`,
    meaning: meaningOfLife(expiresIn),
    observation,
  };
}

function meaningOfLife(expiresIn: number | undefined): string {
  if (expiresIn === undefined) {
    return 'Set tokenLifetime to what Retently documents: the function has nothing else to go by.';
  }
  if (expiresIn === DEFAULTS.defaultTokenLifetimeSeconds) return `tokenLifetime stays at its default, ${expiresIn} s.`;
  if (expiresIn < MIN_TOKEN_LIFETIME_SECONDS) {
    return `Less than the stack can serve without a gap: it takes lives from ${MIN_TOKEN_LIFETIME_SECONDS} s.`;
  }
  return `Set tokenLifetime to { "seconds": ${expiresIn} }: the interval is checked against it, and no longer lifetime is believed.`;
}

export function ofWrongToken({ observation, isSuccess }: TokenAnswer): Finding {
  return {
    question: 'What is a wrong refresh token answered?',
    answer: describe(observation),
    meaning: isSuccess
      ? 'Not to be believed: a refresh token that nobody was given was taken. Is --token-endpoint right?'
      : meaningOfRefusal(observation, 'invalid_grant', 'REAUTHORIZATION_REQUIRED'),
    observation,
  };
}

export function ofWrongSecret({ observation, isSuccess }: TokenAnswer): Finding {
  return {
    question: 'What is a wrong client secret answered?',
    answer: describe(observation),
    meaning: isSuccess
      ? 'The client secret is not checked: whoever has a refresh token has the grant.'
      : meaningOfRefusal(observation, 'invalid_client', 'CLIENT_REJECTED'),
    observation,
  };
}

function meaningOfRefusal({ code }: Observation, expected: string, faultCode: string): string {
  if (code === expected) return `As RFC 6749 says: the function reports ${faultCode} at once.`;
  return code === undefined || /^\d/.test(code)
    ? 'No code of RFC 6749: the function cannot be sure. It asks again with back-off, and after some hours reports REAUTHORIZATION_PROBABLE.'
    : `Another code than ${expected}: the function does not send it again, and reports what it stands for.`;
}

export function ofRefresh(which: 'with' | 'without', { observation, isSuccess }: TokenAnswer): Finding {
  const meaning = {
    with: isSuccess ? 'A redirect_uri in the secret does no harm.' : 'Leave redirect_uri out of the secret.',
    without: isSuccess
      ? 'The secret needs no redirect_uri.'
      : 'Put the redirect_uri of the authorization into the secret.',
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
    meaning: 'The rest could not be asked. Check that the application may have offline access.',
  };
}

export function ofRotation({ observation, refreshToken }: TokenAnswer, before: TokenAnswer): Finding {
  const answer =
    refreshToken === undefined
      ? 'no: the answer brought none'
      : refreshToken === before.refreshToken
        ? 'no: the answer brought the same one'
        : 'yes';
  const meaning =
    answer === 'yes'
      ? 'Each refresh token is good for one use: give every place that refreshes its own grant.'
      : 'The refresh token stays: a lost answer costs nothing.';
  return { question: 'Does a refresh change the refresh token?', answer, meaning, observation };
}

export function ofOldBearer(newStatus: number, oldStatus: number, isSame: boolean): Finding {
  const question = 'Does the old bearer token work after a refresh?';
  const statuses = `HTTP ${oldStatus} with the old one, ${newStatus} with the new one`;
  if (newStatus < 200 || newStatus > 299) {
    const meaning = 'Not to be told: the API did not take the new one either. Choose another --api-url.';
    return { question, answer: statuses, meaning };
  }
  if (isSame) return { question, answer: 'it is the same one', meaning: 'Consumers notice nothing of a refresh.' };
  return oldStatus >= 200 && oldStatus <= 299
    ? { question, answer: `yes: ${statuses}`, meaning: 'Consumers may keep a token until it expires.' }
    : {
        question,
        answer: `no: ${statuses}`,
        meaning: 'Consumers have to read the secret again on a 401; keep their caches short.',
      };
}

export function ofReuse(answer: TokenAnswer, untilSeconds: number | undefined, triedSeconds: number): Finding {
  const { observation } = answer;
  const question = 'Is a spent refresh token answered again?';
  if (untilSeconds === undefined) {
    const meaning = 'A crash between an answer and its record costs an authorization; SECURITY.md measures how rarely.';
    return { question, answer: `no: ${describe(observation)}`, meaning, observation };
  }
  const limit = answer.isSuccess
    ? `yes, for as long as it was tried (${formatSeconds(triedSeconds)})`
    : `yes, for at least ${formatSeconds(untilSeconds)}, and no more after ${formatSeconds(triedSeconds)}`;
  const meaning = 'An answer that was lost is asked for again in that time: nothing is lost by a crash.';
  return { question, answer: limit, meaning, observation };
}

export function ofGrantAfterReuse({ observation, isSuccess }: TokenAnswer, bearerStatus: number): Finding {
  const isBearerAlive = bearerStatus >= 200 && bearerStatus <= 299;
  const bearer = isBearerAlive ? 'the bearer token lives' : 'the bearer token is dead';
  return {
    question: 'Does the grant live on after a spent refresh token was sent again?',
    answer: isSuccess ? `yes; ${bearer}` : `no: ${describe(observation)}; ${bearer}`,
    meaning: isSuccess
      ? 'A refresh token that is sent twice by mistake does no lasting harm.'
      : 'Never put an older value of the secret back: it would end the grant.',
    observation,
  };
}

function describe({ status, contentType, members, code }: Observation): string {
  const parts = [`HTTP ${status}`, contentType ?? 'no content type'];
  if (members.length > 0) parts.push(members.join(', '));
  if (code !== undefined) parts.push(`code ${code}`);
  return parts.join('; ');
}
