import type { SecretsManager } from '../sandbox/aws/secrets-manager.ts';
import { readVersion, Violation, type Witness } from './invariants.ts';
import type { Provider } from './provider.ts';

export const TOKEN_SECRET_ID = 'simulated token';

type Name = 'access_token' | 'token_type' | 'expires_at';
type TokenMembers = { readonly [name in Name]?: string };

const NAMES: readonly Name[] = ['access_token', 'token_type', 'expires_at'];

/** Sees every change of the token secret, and compares its content with `AWSCURRENT`: invariant I9. */
export class TokenSecretWitness {
  readonly #secretsManager: SecretsManager;
  readonly #provider: Provider;
  readonly #witness: Witness;
  /** Value before the change that is judged. */
  #held: string | undefined;

  constructor(secretsManager: SecretsManager, provider: Provider, witness: Witness) {
    this.#secretsManager = secretsManager;
    this.#provider = provider;
    this.#witness = witness;
  }

  get text(): string | undefined {
    return this.#secretsManager.peek(TOKEN_SECRET_ID, { stage: 'AWSCURRENT' })?.value.SecretString;
  }

  /** A run has put a version, or moved the label. */
  afterChange(): void {
    const before = this.#held;
    const now = this.text;
    this.#held = now;
    if (now === before || now === undefined) return;
    const { access_token: token, ...rest } = parse(now);
    const isWhole = token !== undefined && Object.keys(rest).sort().join() === 'expires_at,token_type';
    if (!isWhole) throw new Violation('I9', `a run has put into the token secret what is no token: ${now}`);
    if (before === undefined) return;
    if (!isOurs(before)) throw new Violation('I9', 'a run has overwritten foreign content in the token secret');
    const replaced = parse(before).access_token;
    if (replaced !== undefined && this.#provider.isOlder(token, replaced) && this.#says(before))
      throw new Violation('I9', `${replaced}, which AWSCURRENT holds, was replaced by the older ${token}`);
  }

  afterOperator(): void {
    this.#held = this.text;
  }

  /** Whether the token secret holds the token members of `AWSCURRENT`, or `AWSCURRENT` has no access token. */
  isInSync(): boolean {
    return this.#current().access_token === undefined || (this.text !== undefined && this.#says(this.text));
  }

  /** Nothing that a run may overwrite. */
  isForeign(): boolean {
    return this.text !== undefined && !isOurs(this.text);
  }

  #says(text: string): boolean {
    const current = this.#current();
    const said = parse(text);
    return Object.keys(said).length === NAMES.length && NAMES.every((name) => said[name] === current[name]);
  }

  #current(): TokenMembers {
    return parse(readVersion(this.#secretsManager, this.#witness.currentVersionId()) ?? '{}');
  }
}

function isOurs(text: string): boolean {
  return text.startsWith('{') && Object.keys(parse(text)).every((name) => NAMES.some((ours) => ours === name));
}

function parse(text: string): TokenMembers {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}
