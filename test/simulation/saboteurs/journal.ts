import type { Saboteur } from '../sabotage.ts';

/** Mistakes about the journal: claims, ids, and the label `AWSCURRENT`. */
export const JOURNAL_SABOTEURS: readonly Saboteur[] = [
  {
    mistake: 'stores the answer where no one can find it after a crash',
    patches: [
      {
        file: 'core/record.ts',
        find: 'const versionId = successorId(parent.tokenHash);',
        replace: 'const versionId = successorId(context.runtime.nonce());',
      },
    ],
    caughtBy: { breaks: ['I1'], within: 100 },
  },
  {
    mistake: 'promotes an answer before it records the answer under the derived id',
    patches: [
      {
        file: 'core/record.ts',
        find: 'const put = await putUntilDeadline(context, versionId, secretString);',
        replace: `const early = successorId(context.runtime.nonce());
  await putUntilDeadline(context, early, secretString);
  await context.store.promote(early, parent.versionId);
  const put = await putUntilDeadline(context, versionId, secretString);`,
      },
    ],
    caughtBy: { breaks: ['I1'], within: 100 },
  },
  {
    mistake: 'never looks for the answer to a used token',
    patches: [
      {
        file: 'core/load.ts',
        find: 'if (version === undefined) return undefined;\n  const where',
        replace: 'if (version !== undefined || version === undefined) return undefined;\n  const where',
      },
    ],
    caughtBy: { breaks: ['I1', 'I2', 'I3', 'I7'], within: 100, scenario: 'nothing else' },
  },
  {
    mistake: 'sends a token without a claim',
    patches: [
      {
        file: 'core/claim.ts',
        find: `const put = await store.putVersion(claimId(tokenHash, attempt), text);
    return put === 'created';`,
        replace: `return text !== '';`,
      },
    ],
    caughtBy: { breaks: ['I2', 'I8'], within: 100 },
  },
  {
    mistake: 'claims without a nonce, so that two runs both own the claim',
    patches: [{ file: 'core/claim.ts', find: 'nonce: runtime.nonce()', replace: `nonce: 'the same for all'` }],
    caughtBy: { breaks: ['I2'], within: 1_000, scenario: 'nothing else' },
  },
  {
    mistake: 'has a lease that is shorter than a run',
    patches: [lease('1')],
    caughtBy: { breaks: ['I2'], within: 100 },
  },
  {
    mistake: 'has a lease that ends before a slow run does',
    patches: [lease('20')],
    caughtBy: { breaks: ['I2'], within: 1_000 },
  },
  {
    mistake: 'has a lease that is 15 seconds short',
    patches: [lease('settings.leaseSeconds - 15')],
    caughtBy: { file: 'core/claim.test.ts', test: 'a claim contains the whole lease of its run' },
  },
  {
    mistake: 'stores an answer directly as AWSCURRENT',
    patches: [
      { file: 'adapters/secrets-manager-credential-store.ts', find: 'VersionStages: [JOURNAL_STAGE],', replace: '' },
    ],
    caughtBy: {
      file: 'adapters/secrets-manager-credential-store.test.ts',
      test: 'sets the label of the journal, so that AWSCURRENT does not move',
    },
  },
  {
    mistake: 'moves AWSCURRENT without comparing',
    patches: [
      {
        file: 'core/refresh.ts',
        find: 'await this.#context.store.promote(entry.versionId, expected.versionId);',
        replace: `await this.#context.store.promote(
      entry.versionId,
      (await this.#context.store.readCurrent())?.versionId ?? expected.versionId,
    );`,
      },
    ],
    caughtBy: { breaks: ['I1', 'I4'], within: 1_000, scenario: 'an operator adds a member' },
  },
  {
    mistake: 'treats a rejected move of AWSCURRENT as a success',
    patches: [
      {
        file: 'core/refresh.ts',
        find: `if (promotion === 'refused' && !(await this.#isCurrent(entry))) return false;`,
        replace: `if (promotion === 'refused') await this.#isCurrent(entry);`,
      },
    ],
    caughtBy: { breaks: ['I3', 'I7'], within: 1_000 },
  },
  {
    mistake: 'writes back only the members that it knows',
    patches: [
      {
        file: 'core/credentials.ts',
        find: 'const replaced = { ...holder };',
        replace: 'const replaced = Object.fromEntries(MEMBER_NAMES.map((name) => [name, holder[name]]));',
      },
    ],
    caughtBy: { breaks: ['I4'], within: 100 },
  },
  {
    mistake: 'cannot read its own records',
    patches: [
      {
        file: 'core/load.ts',
        find: 'return parseDocumentEntry(version,',
        replace: `const text = version.secretString?.includes('access_token') ? '{' : version.secretString;
    return parseDocumentEntry({ ...version, secretString: text },`,
      },
    ],
    caughtBy: { breaks: ['I7'], within: 100 },
  },
  {
    mistake: 'treats every claim as live',
    patches: [
      {
        file: 'core/decide.ts',
        find: 'return nowMs < leaseEndMs(latestEntry) ?',
        replace: 'return leaseEndMs(latestEntry) > 0 ?',
      },
    ],
    caughtBy: { breaks: ['I7'], within: 100 },
  },
  {
    mistake: "treats another run's claim as its own",
    patches: [{ file: 'core/claim.ts', find: `return put === 'created';`, replace: 'return put !== undefined;' }],
    caughtBy: { breaks: ['I2'], within: 1_000 },
  },
  {
    mistake: 'starts over at the first attempt if the label shows none',
    patches: [
      {
        file: 'core/claim.ts',
        find: 'const found = findLastAttempt(listed, situation);',
        replace: 'const found = -1;',
      },
    ],
    caughtBy: { breaks: ['I2'], within: 2_000 },
  },
  {
    mistake: 'dates a claim by the clock of the run that made it',
    patches: [
      {
        file: 'core/claim.ts',
        find: 'nonce: runtime.nonce()',
        replace: "nonce: [runtime.now(), runtime.nonce()].join(' ')",
      },
      {
        file: 'core/journal.ts',
        find: `return { kind: 'claim', versionId, createdAt, tokenHash, attempt, leaseSeconds };`,
        replace: `return { kind: 'claim', versionId, createdAt: Number.parseInt(record.nonce), tokenHash, attempt, leaseSeconds };`,
      },
    ],
    caughtBy: { file: 'core/journal.test.ts', test: 'a claim names its purpose, and a nonce distinguishes two runs' },
  },
  {
    mistake: "applies its own lease to another run's claim",
    patches: [
      {
        file: 'core/claim.ts',
        find: 'return decide({ ...situation, nowMs, latestEntry: recorded });',
        replace:
          'return decide({ ...situation, nowMs, latestEntry: { ...recorded, leaseSeconds: settings.leaseSeconds } });',
      },
      {
        file: 'core/refresh.ts',
        find: 'const decided = decide(situation);',
        replace: `const { leaseSeconds } = this.#context.settings;
    const { latestEntry } = situation;
    const decided = decide({
      ...situation,
      latestEntry: latestEntry?.kind === 'claim' ? { ...latestEntry, leaseSeconds } : latestEntry,
    });`,
      },
    ],
    caughtBy: { breaks: ['I2'], within: 5_000 },
  },
  {
    mistake: 'looks for the answer before the claim instead of in parallel',
    patches: [
      {
        file: 'core/claim.ts',
        find: `const [wasFree, successor] = await Promise.all([
      isFree(attempt),
      readSuccessor(context, situation.current.tokenHash),
    ]);`,
        replace: `const successor = await readSuccessor(context, situation.current.tokenHash);
    const wasFree = await isFree(attempt);`,
      },
    ],
    caughtBy: {
      file: 'core/claim.test.ts',
      test: 'counts versions, stores the claim with the label, looks once for the successor, and leaves AWSCURRENT',
    },
  },
  {
    // The claim of a run that stores an answer late hides this mistake from the histories.
    mistake: 'takes over a claim without looking for the answer',
    patches: [
      {
        file: 'core/claim.ts',
        find: `      readSuccessor(context, situation.current.tokenHash),
    ]);`,
        replace: `      decision.takesOverClaim ? undefined : readSuccessor(context, situation.current.tokenHash),
    ]);`,
      },
    ],
    caughtBy: {
      file: 'core/claim.test.ts',
      test: 'nor is one whose answer comes while a run takes an earlier claim over',
    },
  },
  {
    mistake: 'reports a recorded rejection without looking for the answer',
    patches: [
      {
        file: 'core/claim.ts',
        find: `const successor = await readSuccessor(context, situation.current.tokenHash);
  return successor ? { kind: 'spent', successor } : decision;`,
        replace: 'return decision;',
      },
    ],
    caughtBy: { file: 'core/claim.test.ts', test: 'a rejection of it is recorded' },
  },
];

/** Patch of the lease that a claim states. */
function lease(leaseSeconds: string): Saboteur['patches'][number] {
  return {
    file: 'core/claim.ts',
    find: 'leaseSeconds: settings.leaseSeconds });',
    replace: `leaseSeconds: ${leaseSeconds} });`,
  };
}
