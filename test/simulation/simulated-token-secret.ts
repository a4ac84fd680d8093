import { JOURNAL_STAGE } from '../../lambda/contract.ts';
import type { TokenSecret, Version } from '../../lambda/core/ports.ts';
import { AwsError } from '../sandbox/aws/aws-error.ts';
import { TOKEN_SECRET_ID } from './token-secret-witness.ts';
import type { World } from './world.ts';

/** Reaches the world as the run's other calls do. */
type Call = <Answer>(name: string, carryOut: () => Answer) => Promise<Answer>;

/** The token secret, as one run meets it: its label may lag, too. */
export class SimulatedTokenSecret implements TokenSecret {
  readonly secretId = TOKEN_SECRET_ID;
  calls = 0;
  /** Whether the token that it read differs from that of AWSCURRENT. */
  hasSeenStale = false;
  /** The last move of its label was rejected, and the run has not looked at the token secret since. */
  isRefused = false;
  readonly #world: World;
  readonly #call: Call;

  constructor(world: World, call: Call) {
    this.#world = world;
    this.#call = (name, carryOut) => {
      this.calls++;
      return call(name, carryOut);
    };
  }

  readCurrent(): Promise<Version | undefined> {
    this.isRefused = false;
    return this.#call('read token secret', () => {
      const { secretsManager, tokenLabels, tokenSecretWitness, faults } = this.#world;
      const stale = tokenLabels.before('AWSCURRENT');
      const which = stale !== undefined && faults.isStaleRead() ? { versionId: stale } : { stage: 'AWSCURRENT' };
      const version = secretsManager.peek(TOKEN_SECRET_ID, which);
      if (!tokenSecretWitness.isInSync() || 'versionId' in which) this.hasSeenStale = true;
      return (
        version && { versionId: version.id, createdAt: version.createdAtMs, secretString: version.value.SecretString }
      );
    });
  }

  putVersion(versionId: string, secretString: string): Promise<'created' | 'exists'> {
    return this.#call(`put token secret ${versionId} ${secretString}`, () =>
      this.#change('exists', 'ResourceExistsException', () => {
        this.#world.secretsManager.putSecretValue({
          SecretId: TOKEN_SECRET_ID,
          ClientRequestToken: versionId,
          SecretString: secretString,
          VersionStages: [JOURNAL_STAGE],
        });
        return 'created';
      }),
    );
  }

  async promote(versionId: string, expectedVersionId: string | undefined): Promise<'promoted' | 'refused'> {
    const promotion = await this.#promote(versionId, expectedVersionId);
    this.isRefused = promotion === 'refused';
    return promotion;
  }

  #promote(versionId: string, expectedVersionId: string | undefined): Promise<'promoted' | 'refused'> {
    return this.#call(`promote token secret ${versionId} ${expectedVersionId}`, () =>
      this.#change('refused', 'InvalidParameterException', () => {
        this.#world.secretsManager.updateSecretVersionStage({
          SecretId: TOKEN_SECRET_ID,
          VersionStage: 'AWSCURRENT',
          MoveToVersionId: versionId,
          RemoveFromVersionId: expectedVersionId,
        });
        return 'promoted';
      }),
    );
  }

  #change<Answer, Other>(other: Other, refusal: string, act: () => Answer): Answer | Other {
    try {
      const answer = act();
      this.#world.tokenLabels.note();
      this.#world.tokenSecretWitness.afterChange();
      return answer;
    } catch (error) {
      if (error instanceof AwsError && error.name === refusal) return other;
      throw error;
    }
  }
}
