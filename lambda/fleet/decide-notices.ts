import { sha256 } from '../core/fingerprint.ts';
import { EMPTY, type Judgment, judgeFault } from '../core/health.ts';
import { regionOption } from '../core/region-option.ts';
import { type SecretJudgment, TROUBLE_CODES, type TroubleCode } from './judge-secret.ts';

/** Accounts that someone was notified of, and accounts that one sweep found unusable: hashes of ARNs, by code. */
export interface Notified {
  readonly notified: { readonly [code: string]: readonly string[] };
  readonly seen: { readonly [code: string]: readonly string[] };
}

export const NO_ONE_NOTIFIED: Notified = { notified: {}, seen: {} };

/** Accounts that changed for the same reason, in one email. */
export interface Notice {
  readonly code: TroubleCode;
  readonly arns: readonly string[];
}

export interface Notices {
  readonly notices: readonly Notice[];
  /** Accounts beyond the limit, which get no email of their own. */
  readonly others: number;
  /** ARNs of all accounts that changed. */
  readonly changed: readonly string[];
  /** State after these notices. */
  readonly next: Notified;
}

/** Maximum number of emails about single accounts per sweep. */
const MAX_SINGLE = 20;
/**
 * Largest share of the accounts that can have one cause and still be reported account by account. It includes accounts that earlier
 * sweeps reported: a cause that hits all accounts shows only when their tokens are due, which takes hours.
 */
const SHARED_CAUSE = 0.1;
/** Length of a hash that distinguishes 10,000 accounts. */
const HASH_LENGTH = 10;

/**
 * Decides which accounts to report: each one once per change. An unusable secret is reported if two sweeps in a row found it unusable.
 * A new secret is empty for a moment, and a deleted one stays listed for minutes. A secret that could not be read keeps its state.
 */
export function decideNotices(before: Notified, judgments: readonly SecretJudgment[]): Notices {
  const knownCodes = toCodes(before.notified);
  const seenCodes = toCodes(before.seen);
  const notified = new Map<string, string>();
  const seen = new Map<string, string>();
  const changed: { readonly arn: string; readonly code: TroubleCode }[] = [];
  for (const { arn, trouble: code } of judgments) {
    const hash = toHash(arn);
    const known = knownCodes.get(hash);
    if (code === 'STORE_UNAVAILABLE' || (code !== undefined && known === code)) {
      if (known !== undefined) notified.set(hash, known);
    } else if (code !== undefined) {
      const isCertain = code.startsWith('REAUTHORIZATION') || seenCodes.get(hash) === code;
      if (isCertain) changed.push({ arn, code });
      else if (known !== undefined) notified.set(hash, known);
      (isCertain ? notified : seen).set(hash, code);
    }
  }
  return {
    ...toNotices(changed, notified, judgments.length),
    changed: changed.map(({ arn }) => arn),
    next: { notified: byCode(notified), seen: byCode(seen) },
  };
}

/** Returns the state after only the accounts in `sent` were reported. The others keep their state, and the next sweep reports them. */
export function decideUnsent(
  before: Notified,
  judgments: readonly SecretJudgment[],
  { changed }: Notices,
  sent: ReadonlySet<string>,
): Notified {
  const unsent = new Set(changed.filter((arn) => !sent.has(arn)));
  const { next } = decideNotices(
    before,
    judgments.map((each) => (unsent.has(each.arn) ? { ...each, trouble: 'STORE_UNAVAILABLE' } : each)),
  );
  // An unusable secret needs no third sweep.
  return { ...next, seen: byCode(new Map([...toCodes(next.seen), ...toCodesOf(judgments, unsent)])) };
}

function toCodesOf(judgments: readonly SecretJudgment[], arns: ReadonlySet<string>): ReadonlyMap<string, string> {
  return new Map(
    judgments.flatMap(({ arn, trouble }) => (trouble && arns.has(arn) ? [[toHash(arn), trouble] as const] : [])),
  );
}

function toNotices(
  changed: readonly { readonly arn: string; readonly code: TroubleCode }[],
  notified: ReadonlyMap<string, string>,
  accounts: number,
): Pick<Notices, 'notices' | 'others'> {
  const groups = TROUBLE_CODES.map((code) => ({
    code,
    arns: changed.filter((each) => each.code === code).map(({ arn }) => arn),
  }));
  const countOf = (code: TroubleCode) => [...notified.values()].filter((each) => each === code).length;
  const isShared = ({ code, arns }: Notice) => arns.length > 1 && countOf(code) > SHARED_CAUSE * accounts;
  const shared = groups.filter(isShared);
  const single = groups
    .filter((group) => !isShared(group))
    .flatMap(({ code, arns }) => arns.map((arn) => ({ code, arns: [arn] })));
  return {
    notices: [...shared, ...single.slice(0, MAX_SINGLE)],
    others: Math.max(0, single.length - MAX_SINGLE),
  };
}

const TITLES: { readonly [code in TroubleCode]: string } = {
  REAUTHORIZATION_REQUIRED: 'Reauthorization required',
  REAUTHORIZATION_PROBABLE: 'Reauthorization probably required',
  CREDENTIALS_INVALID: 'Secret unusable',
  CREDENTIALS_INCOMPLETE: 'Secret unusable',
  STORE_DENIED: 'Secret unusable',
  STORE_UNAVAILABLE: 'Secret unusable',
  'not-configured': 'Secret empty',
};

/** Maximum length of a subject: SNS requires less than 100 characters. */
const MAX_SUBJECT = 99;
/** Maximum number of accounts that one email names. */
const MAX_NAMED = 20;

/** Returns the judgment of health for a secret in trouble. */
export function judgeTrouble(code: TroubleCode): Judgment {
  return code === 'not-configured' ? EMPTY : judgeFault(code);
}

/** Returns the email for one notice. It contains nothing from a secret's value. */
export function renderNotice({ code, arns }: Notice, accounts: number): { subject: string; message: string } {
  const [name = ''] = arns.map(toName);
  const { action, reason } = judgeTrouble(code);
  const isReauthorization = action === 'reauthorize' || action === 'fixClientOrReauthorize';
  const command = (arn: string) =>
    `retently-token-refresh ${isReauthorization ? 'authorize' : 'status'} --secret-id ${toName(arn)}${regionOption(arn)}`;
  const who = arns.length === 1 ? name : `${arns.length} of ${accounts} accounts`;
  const lines = arns.slice(0, MAX_NAMED).map((arn) => `${arn}\n  ${command(arn)}`);
  const rest = arns.length > MAX_NAMED ? [`… and ${arns.length - MAX_NAMED} more`] : [];
  return {
    subject: `${TITLES[code]}: ${who}`.slice(0, MAX_SUBJECT),
    message: [`${TITLES[code]} (${code}, ${action}): ${who}.`, reason, '', ...lines, ...rest].join('\n'),
  };
}

/** Returns the one email for all accounts beyond the limit. */
export function renderOthers(others: number): { subject: string; message: string } {
  const what = `${others} more accounts need attention`;
  const message = `${what}. This sweep sent no email for each of them.\nTo see them all: retently-token-refresh status --all`;
  return { subject: what, message };
}

function toName(arn: string): string {
  return arn.replace(/^.*:secret:(.+)-\w{6}$/, '$1');
}

function toHash(arn: string): string {
  return sha256(arn).slice(0, HASH_LENGTH);
}

function toCodes(state: { readonly [code: string]: readonly string[] }): ReadonlyMap<string, string> {
  return new Map(Object.entries(state).flatMap(([code, hashes]) => hashes.map((hash) => [hash, code] as const)));
}

function byCode(codes: ReadonlyMap<string, string>): { readonly [code: string]: readonly string[] } {
  const state: { [code: string]: string[] } = {};
  for (const code of new Set(codes.values()))
    state[code] = [...codes].filter(([, each]) => each === code).map(([hash]) => hash);
  return state;
}
