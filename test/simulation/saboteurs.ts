import { sha256 } from '../../lambda/core/fingerprint.ts';
import { digestGrant } from '../../lambda/core/journal.ts';
import type { CredentialStore, TokenSecret, Version } from '../../lambda/core/ports.ts';
import { type Invariant, readVersion, SECRET_ID } from './invariants.ts';
import { SETTINGS } from './simulated-run.ts';
import { TOKEN_SECRET_ID } from './token-secret-witness.ts';
import type { Sabotage, World } from './world.ts';

export interface Saboteur {
  /** What a protocol with this mistake does. */
  readonly mistake: string;
  /** Any of these may be what is seen first. */
  readonly breaks: readonly Invariant[];
  /** So many histories are enough to see it. */
  readonly within: number;
  /** The first seed. Thousands of histories do not show some mistakes: those begin near one that does. @default 1 */
  readonly from?: number;
  readonly sabotage: Sabotage;
}

/** The protocol with one mistake each. A simulation that does not catch every one of them proves nothing. */
export const SABOTEURS: readonly Saboteur[] = [
  {
    mistake: 'stores the answer where nobody can find it after a crash',
    breaks: ['I1'],
    within: 100,
    sabotage: withStore((store, world) => {
      const ids = new Map<string, string>();
      return {
        putVersion: (versionId, secretString) => {
          if (isRecord(secretString)) return store.putVersion(versionId, secretString);
          const id = sha256(`${versionId} ${world.nextNumber()}`);
          ids.set(versionId, id);
          return store.putVersion(id, secretString);
        },
        promote: (versionId, expected) => store.promote(ids.get(versionId) ?? versionId, expected),
      };
    }),
  },
  {
    mistake: 'promotes the answer before it records it where it can be found',
    breaks: ['I1'],
    within: 100,
    sabotage: withStore((store, world) => {
      let current = '';
      return {
        readCurrent: async () => {
          const version = await store.readCurrent();
          current = version?.versionId ?? '';
          return version;
        },
        putVersion: async (versionId, secretString) => {
          if (isRecord(secretString)) return await store.putVersion(versionId, secretString);
          const id = sha256(`${versionId} ${world.nextNumber()}`);
          await store.putVersion(id, secretString);
          await store.promote(id, current);
          return await store.putVersion(versionId, secretString);
        },
      };
    }),
  },
  {
    mistake: 'never looks for what became of a spent token',
    breaks: ['I1', 'I2', 'I3', 'I7'],
    within: 100,
    sabotage: withStore((store) => ({
      readLatestEntry: async () => unlessDocument(await store.readLatestEntry()),
      readVersion: async (versionId) => unlessDocument(await store.readVersion(versionId)),
    })),
  },
  {
    mistake: 'spends without a claim',
    breaks: ['I2'],
    within: 100,
    sabotage: withStore((store) => ({
      putVersion: (versionId, secretString) =>
        isClaim(secretString) ? Promise.resolve('created') : store.putVersion(versionId, secretString),
    })),
  },
  {
    mistake: 'claims without a nonce, so that two runs both own the claim',
    breaks: ['I2'],
    within: 100,
    sabotage: (ports) => ({ ...ports, runtime: { ...bind(ports.runtime), nonce: () => 'the same for all' } }),
  },
  {
    mistake: 'has a lease that is shorter than a run',
    breaks: ['I2'],
    within: 100,
    sabotage: (ports) => ({ ...ports, settings: { ...ports.settings, leaseSeconds: 1 } }),
  },
  {
    mistake: 'has a lease that ends before a slow run does',
    breaks: ['I2'],
    within: 100,
    sabotage: (ports) => ({ ...ports, settings: { ...ports.settings, leaseSeconds: 20 } }),
  },
  {
    mistake: 'puts the answer straight into AWSCURRENT',
    breaks: ['I3'],
    within: 100,
    sabotage: withStore((store, world) => ({
      putVersion: async (versionId, secretString) => {
        const { secretsManager, witness } = world;
        const put = await store.putVersion(versionId, secretString);
        const before = witness.currentVersionId();
        if (isRecord(secretString) || put === 'exists' || before === versionId) return put;
        secretsManager.updateSecretVersionStage({
          SecretId: SECRET_ID,
          VersionStage: 'AWSCURRENT',
          MoveToVersionId: versionId,
          RemoveFromVersionId: before,
        });
        return put;
      },
    })),
  },
  {
    mistake: 'moves AWSCURRENT without comparing',
    breaks: ['I1', 'I4'],
    within: 200,
    sabotage: withStore((store, { witness }) => ({
      promote: (versionId) => store.promote(versionId, witness.currentVersionId()),
    })),
  },
  {
    mistake: 'writes back only the members that it knows',
    breaks: ['I4'],
    within: 100,
    sabotage: withStore((store) => ({
      putVersion: (versionId, secretString) =>
        store.putVersion(versionId, isRecord(secretString) ? secretString : withoutNote(secretString)),
    })),
  },
  {
    mistake: 'asks again at once after invalid_grant',
    breaks: ['I1', 'I6'],
    within: 100,
    sabotage: (ports) => ({
      ...ports,
      tokenEndpoint: {
        requestToken: async (grant, timeoutMs) => {
          const answer = await ports.tokenEndpoint.requestToken(grant, timeoutMs);
          return answer.kind === 'refused' ? await ports.tokenEndpoint.requestToken(grant, timeoutMs) : answer;
        },
      },
    }),
  },
  {
    mistake: 'forgets that it was refused',
    breaks: ['I6', 'I7'],
    within: 100,
    sabotage: withStore((store) => ({
      readLatestEntry: async () => unlessFailure(await store.readLatestEntry()),
      readVersion: async (versionId) => unlessFailure(await store.readVersion(versionId)),
    })),
  },
  {
    mistake: 'never records a failure',
    breaks: ['I6'],
    within: 100,
    sabotage: withStore((store) => ({
      putVersion: (versionId, secretString) =>
        isFailure(secretString) ? Promise.resolve('created') : store.putVersion(versionId, secretString),
    })),
  },
  {
    mistake: 'cannot read what it wrote',
    breaks: ['I7'],
    within: 100,
    sabotage: withStore((store) => ({
      readCurrent: async () => {
        const current = await store.readCurrent();
        return current?.secretString?.includes('access_token') ? { ...current, secretString: '{' } : current;
      },
    })),
  },
  {
    mistake: 'takes every claim that exists for a live one',
    breaks: ['I7'],
    within: 100,
    sabotage: withStore((store, world) => ({
      readLatestEntry: async () => asIfNew(await store.readLatestEntry(), world.nowMs),
      readVersion: async (versionId) => asIfNew(await store.readVersion(versionId), world.nowMs),
    })),
  },
  {
    mistake: 'takes every late answer for the newer one',
    breaks: ['I1', 'I3'],
    within: 20_000,
    sabotage: withLateAnswer(() => new Date(0)),
  },
  {
    mistake: 'takes no late answer for the newer one',
    breaks: ['I1', 'I3'],
    from: 33_001,
    within: 1_000,
    sabotage: withLateAnswer(() => new Date(8.64e15)),
  },
  {
    mistake: 'never counts versions',
    breaks: ['I8'],
    within: 2_000,
    sabotage: withStore(() => ({ listVersions: async () => [] })),
  },
  {
    mistake: 'latches by the refresh token alone',
    breaks: ['I7'],
    within: 2_000,
    sabotage: withStore((store, world) => ({
      readLatestEntry: async () => asOfThese(await store.readLatestEntry(), world),
      readVersion: async (versionId) => asOfThese(await store.readVersion(versionId), world),
    })),
  },
  {
    mistake: 'never backs off',
    breaks: ['I8'],
    within: 2_000,
    sabotage: withStore((store) => ({
      readLatestEntry: async () => asLongAgo(await store.readLatestEntry()),
      readVersion: async (versionId) => asLongAgo(await store.readVersion(versionId)),
    })),
  },
  {
    mistake: 'takes a claim that exists for one that it made',
    breaks: ['I2'],
    within: 100,
    sabotage: withStore((store) => ({
      putVersion: async (versionId, secretString) => {
        const put = await store.putVersion(versionId, secretString);
        return isClaim(secretString) ? 'created' : put;
      },
    })),
  },
  {
    mistake: 'judges ages by the clock of the run that wrote',
    breaks: ['I2', 'I7'],
    within: 20_000,
    sabotage: (ports, world) => {
      const { runtime } = ports;
      const stamp = (version: Version | undefined) =>
        version && { ...version, createdAt: world.writtenAtMs.get(version.versionId) ?? version.createdAt };
      return withStore((store) => ({
        readLatestEntry: async () => stamp(await store.readLatestEntry()),
        readVersion: async (versionId) => stamp(await store.readVersion(versionId)),
        putVersion: async (versionId, secretString) => {
          if (!world.writtenAtMs.has(versionId)) world.writtenAtMs.set(versionId, runtime.now());
          return await store.putVersion(versionId, secretString);
        },
      }))(ports, world);
    },
  },
  {
    mistake: "judges a claim by the judging run's lease",
    breaks: ['I2'],
    within: 20_000,
    sabotage: (ports, world) =>
      withStore((store) => ({
        readLatestEntry: async () => withLease(await store.readLatestEntry(), ports.settings.leaseSeconds),
        readVersion: async (versionId) => withLease(await store.readVersion(versionId), ports.settings.leaseSeconds),
      }))(ports, world),
  },
  {
    mistake: 'does not say in a document that it may be revoked, where no time is left to try it',
    breaks: ['I7'],
    within: 2_000,
    sabotage: withStore((store) => ({
      putVersion: (versionId, secretString) => store.putVersion(versionId, withoutDoubt(secretString)),
    })),
  },
  {
    mistake: 'begins with the first attempt where the label shows none',
    breaks: ['I2'],
    within: 2_000,
    sabotage: withStore((store) => ({
      listVersions: async () => (await store.listVersions()).map((listed) => ({ ...listed, versionId: '' })),
    })),
  },
  {
    mistake: 'waits for a claim without pausing',
    breaks: ['I8'],
    within: 2_000,
    sabotage: (ports) => ({ ...ports, runtime: { ...bind(ports.runtime), sleep: async () => {} } }),
  },
  {
    mistake: 'moves the label of the token secret without comparing',
    breaks: ['I9'],
    from: 17_001,
    within: 1_000,
    sabotage: withTokenSecret((tokenSecret, { secretsManager }) => ({
      promote: (versionId) =>
        tokenSecret.promote(versionId, secretsManager.peek(TOKEN_SECRET_ID, { stage: 'AWSCURRENT' })?.id ?? ''),
    })),
  },
  {
    mistake: 'takes whatever it finds in the token secret for its own',
    breaks: ['I9'],
    within: 400,
    sabotage: withTokenSecret((tokenSecret) => ({
      readCurrent: async () => {
        const held = await tokenSecret.readCurrent();
        return held?.secretString?.includes('password') ? { ...held, secretString: '{}' } : held;
      },
    })),
  },
  {
    mistake: 'believes that the token secret is in sync once there is something in it',
    breaks: ['I9'],
    within: 400,
    sabotage: withTokenSecret((tokenSecret, world) => ({
      readCurrent: async () => {
        const held = await tokenSecret.readCurrent();
        return held && { ...held, secretString: projection(world) };
      },
    })),
  },
];

/** Every answer that is found in the place of a late one seems to have been asked for then. */
function withLateAnswer(toRefreshedAt: () => Date): Sabotage {
  return withStore((store) => {
    let existing = '';
    return {
      putVersion: async (versionId, secretString) => {
        const put = await store.putVersion(versionId, secretString);
        existing = put === 'exists' && !isRecord(secretString) ? versionId : '';
        return put;
      },
      readVersion: async (versionId) => {
        const version = await store.readVersion(versionId);
        if (version?.secretString === undefined || versionId !== existing) return version;
        const document = { ...JSON.parse(version.secretString), refreshed_at: toRefreshedAt().toISOString() };
        return { ...version, secretString: JSON.stringify(document) };
      },
    };
  });
}

function withStore(
  replace: (store: CredentialStore, world: Parameters<Sabotage>[1]) => Partial<CredentialStore>,
): Sabotage {
  return (ports, world) => {
    const { store } = ports;
    const honest: CredentialStore = {
      readCurrent: () => store.readCurrent(),
      readLatestEntry: () => store.readLatestEntry(),
      readPrevious: () => store.readPrevious(),
      readVersion: (versionId) => store.readVersion(versionId),
      putVersion: (versionId, secretString) => store.putVersion(versionId, secretString),
      promote: (versionId, expectedVersionId) => store.promote(versionId, expectedVersionId),
      listVersions: () => store.listVersions(),
    };
    return { ...ports, store: { ...honest, ...replace(store, world) } };
  };
}

function withTokenSecret(replace: (honest: TokenSecret, world: World) => Partial<TokenSecret>): Sabotage {
  return (ports, world) => {
    const { tokenSecret } = ports;
    if (tokenSecret === undefined) return ports;
    const honest: TokenSecret = {
      secretId: tokenSecret.secretId,
      readCurrent: () => tokenSecret.readCurrent(),
      putVersion: (versionId, secretString) => tokenSecret.putVersion(versionId, secretString),
      promote: (versionId, expected) => tokenSecret.promote(versionId, expected),
    };
    return { ...ports, tokenSecret: { ...honest, ...replace(tokenSecret, world) } };
  };
}

/** What the token secret should say. */
function projection({ secretsManager, witness }: World): string {
  const { access_token, token_type, expires_at } = JSON.parse(
    readVersion(secretsManager, witness.currentVersionId()) ?? '{}',
  );
  return JSON.stringify({ access_token, token_type, expires_at });
}

function bind(runtime: Parameters<Sabotage>[0]['runtime']): Parameters<Sabotage>[0]['runtime'] {
  return {
    now: () => runtime.now(),
    remainingMs: () => runtime.remainingMs(),
    sleep: (milliseconds) => runtime.sleep(milliseconds),
    random: () => runtime.random(),
    nonce: () => runtime.nonce(),
  };
}

function isRecord(secretString: string): boolean {
  return secretString.startsWith('{"kind":"retently-token-refresh/');
}

function isClaim(secretString: string): boolean {
  return secretString.startsWith('{"kind":"retently-token-refresh/claim"');
}

function isFailure(secretString: string): boolean {
  return secretString.startsWith('{"kind":"retently-token-refresh/failure"');
}

function withoutNote(secretString: string): string {
  const { note: _note, ...known } = JSON.parse(secretString);
  return JSON.stringify(known);
}

function withoutDoubt(secretString: string): string {
  if (isRecord(secretString)) return secretString;
  const { may_be_revoked: _doubt, ...document } = JSON.parse(secretString);
  return JSON.stringify(document);
}

function unlessDocument(version: Version | undefined): Version | undefined {
  return version?.secretString !== undefined && isRecord(version.secretString) ? version : undefined;
}

function unlessFailure(version: Version | undefined): Version | undefined {
  return version?.secretString !== undefined && isFailure(version.secretString) ? undefined : version;
}

function asIfNew(version: Version | undefined, nowMs: number): Version | undefined {
  return version?.secretString !== undefined && isClaim(version.secretString)
    ? { ...version, createdAt: nowMs }
    : version;
}

/** As if the credentials of today had been refused or had failed. */
function asOfThese(version: Version | undefined, { witness, secretsManager }: World): Version | undefined {
  if (version?.secretString === undefined || !isFailure(version.secretString)) return version;
  const { client_id, client_secret, refresh_token } = JSON.parse(
    readVersion(secretsManager, witness.currentVersionId()) ?? '{}',
  );
  const grant = { clientId: client_id, clientSecret: client_secret, refreshToken: refresh_token };
  const digest = digestGrant(grant, SETTINGS.tokenEndpointUrl);
  return { ...version, secretString: JSON.stringify({ ...JSON.parse(version.secretString), digest }) };
}

function asLongAgo(version: Version | undefined): Version | undefined {
  return version?.secretString !== undefined && isFailure(version.secretString)
    ? { ...version, createdAt: version.createdAt - 24 * 60 * 60 * 1_000 }
    : version;
}

function withLease(version: Version | undefined, lease_seconds: number): Version | undefined {
  return version?.secretString !== undefined && isClaim(version.secretString)
    ? { ...version, secretString: JSON.stringify({ ...JSON.parse(version.secretString), lease_seconds }) }
    : version;
}
