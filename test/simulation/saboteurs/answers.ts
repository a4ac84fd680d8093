import type { Saboteur } from '../sabotage.ts';

/** Mistakes about answers: rejected, late, unstored, and those that may be revoked. */
export const ANSWER_SABOTEURS: readonly Saboteur[] = [
  {
    mistake: 'sends the token again right after invalid_grant',
    patches: [
      {
        file: 'core/exchange.ts',
        find: 'if (answer.isTruncated) return failed;',
        replace: `if (answer.kind === 'refused' && retries++ === 0) continue;
    if (answer.isTruncated) return failed;`,
      },
    ],
    caughtBy: { breaks: ['I1', 'I6'], within: 100 },
  },
  {
    mistake: 'forgets a rejection',
    patches: [
      {
        file: 'core/decide.ts',
        find: `if (isPermanent(latestEntry)) return { kind: 'rejected', failure: latestEntry };`,
        replace: 'isPermanent(latestEntry);',
      },
    ],
    caughtBy: { breaks: ['I6', 'I7'], within: 100, scenario: 'after a run that crashed with its answer' },
  },
  {
    mistake: 'reports a rejected grant as fresh',
    patches: [
      {
        file: 'core/decide.ts',
        find: `if (isPermanent(latestEntry)) return { kind: 'rejected', failure: latestEntry };`,
        replace: `if (isPermanent(latestEntry)) return { kind: 'fresh' };`,
      },
    ],
    caughtBy: { breaks: ['I7'], within: 100 },
  },
  {
    mistake: 'never records a failure',
    patches: [
      {
        file: 'core/failed-attempt.ts',
        find: 'await putUntilDeadline(context, failureId(tokenHash, attempt), failure, ANNOUNCE_MAX_MS);',
        replace: '',
      },
    ],
    caughtBy: { breaks: ['I6'], within: 100 },
  },
  {
    mistake: 'uses the time reserved for announcing a failure to record it',
    patches: [
      {
        file: 'core/failed-attempt.ts',
        find: 'failureId(tokenHash, attempt), failure, ANNOUNCE_MAX_MS);',
        replace: 'failureId(tokenHash, attempt), failure);',
      },
    ],
    caughtBy: {
      file: 'core/failed-attempt.test.ts',
      test: 'a failure that cannot be recorded leaves the time of its announcement',
    },
  },
  {
    mistake: 'treats every late answer as the newer one',
    patches: [{ file: 'core/record.ts', find: 'otherAskedAtMs > askedAtMs', replace: 'otherAskedAtMs > Infinity' }],
    caughtBy: { breaks: ['I1', 'I3'], within: 1_000 },
  },
  {
    mistake: 'never treats a late answer as the newer one',
    patches: [{ file: 'core/record.ts', find: 'otherAskedAtMs > askedAtMs', replace: 'otherAskedAtMs > 0' }],
    caughtBy: { breaks: ['I1', 'I3'], within: 2_000 },
  },
  {
    mistake: 'does not record that tokens in a document may be revoked',
    patches: [
      {
        file: 'core/record.ts',
        find: 'const tokens = { ...pendingAnswer.tokens, ...doubt };',
        replace: 'const { tokens } = pendingAnswer;',
      },
    ],
    caughtBy: { breaks: ['I7'], within: 2_000 },
  },
  {
    mistake: 'never marks a late answer as perhaps revoked',
    patches: [
      {
        file: 'core/record.ts',
        find: 'const { doubt, attempt } = await findDoubt(context, pendingAnswer);',
        replace: 'const { attempt } = await findDoubt(context, pendingAnswer);\n    const doubt = undefined;',
      },
    ],
    caughtBy: { breaks: ['I7'], within: 2_000 },
  },
  {
    mistake: 'removes may_be_revoked while another run may still revoke the tokens',
    patches: [
      {
        file: 'core/token-members.ts',
        find: 'may_be_revoked === undefined || isOver ? {}',
        replace: 'isOver || !isOver ? {}',
      },
    ],
    caughtBy: {
      file: 'core/refresh-interleaved.test.ts',
      test: 'a refresh ends the doubt only after the last run that may still send the token',
    },
  },
  {
    mistake: 'lets another run send a token while a late answer to it is being stored',
    patches: [
      {
        file: 'core/record.ts',
        find: 'const isClaimed = await claimNext(context, parent.tokenHash, lastAttempt + 1);',
        replace: 'const isClaimed = true;',
      },
    ],
    caughtBy: { file: 'core/record.test.ts', test: 'another run claims it while this run looks' },
  },
  {
    mistake: "promotes another run's document that lacks an edit",
    patches: [{ file: 'core/refresh.ts', find: `if (!hasAllOf(current, entry)) return 'start over';`, replace: '' }],
    caughtBy: {
      file: 'core/refresh-interleaved.test.ts',
      test: 'an edit stays if another run has recorded the same answer without it',
    },
  },
  {
    mistake: "promotes another run's document that lacks both an access token and an edit",
    patches: [
      {
        file: 'core/refresh.ts',
        find: `if (!hasAllOf(current, entry)) return 'start over';`,
        replace: `if (answer.kind === 'token' && !hasAllOf(current, entry)) return 'start over';`,
      },
    ],
    caughtBy: {
      file: 'core/refresh-interleaved.test.ts',
      test: 'an edit stays if another run has recorded the same new refresh token without it, and without an access token',
    },
  },
  {
    mistake: 'does not promote an answer if an edit has removed a credential',
    patches: [
      {
        file: 'core/run-report.ts',
        find: 'if (snapshot && !snapshot.successor) await',
        replace: 'if (snapshot) await',
      },
    ],
    caughtBy: {
      file: 'core/refresh-interleaved.test.ts',
      test: 'an answer is promoted although an edit has removed the client secret, which is reported',
    },
  },
  {
    mistake: 'forgets in a merge that an attempt with its tokens got no answer',
    patches: [
      {
        file: 'core/roll-forward.ts',
        find: 'const doubt = await findDoubt(context, end, latestEntry);',
        replace: 'const doubt = undefined;',
      },
    ],
    caughtBy: {
      file: 'core/roll-forward.test.ts',
      test: 'after an answer was lost, pasting an old document back does not make the token fresh',
    },
  },
  {
    mistake: 'drops may_be_revoked in a merge',
    patches: [
      {
        file: 'core/roll-forward.ts',
        find: '...(doubt !== undefined && { may_be_revoked: doubt })',
        replace: 'may_be_revoked: doubt',
      },
    ],
    caughtBy: {
      file: 'core/roll-forward.test.ts',
      test: 'a merged document keeps the doubt that the document with its tokens states',
    },
  },
  {
    mistake: "keeps the old refresh token's expiry beside a new refresh token",
    patches: [{ file: 'core/credentials.ts', find: "'refresh_token_expires_at',", replace: '' }],
    caughtBy: {
      file: 'core/credentials.test.ts',
      test: 'replaces each member that an answer can bring, and removes each if the next answer lacks it',
    },
  },
  {
    mistake: 'gives a merge with may_be_revoked the id of the one without',
    patches: [
      {
        file: 'core/roll-forward.ts',
        find: 'mergeId(current.versionId, end.versionId, doubt)',
        replace: 'mergeId(current.versionId, end.versionId)',
      },
    ],
    caughtBy: {
      file: 'core/roll-forward.test.ts',
      test: 'a merge with a doubt is stored beside one without it, which another run has made before',
    },
  },
  {
    mistake: 'misses a claim in a merge if the label does not show the claim',
    patches: [
      {
        file: 'core/roll-forward.ts',
        find: 'latestEntry?.tokenHash === tokenHash ? latestEntry : await readFirstClaim(store, tokenHash)',
        replace: 'latestEntry?.tokenHash === tokenHash ? latestEntry : void [store, readFirstClaim]',
      },
    ],
    caughtBy: {
      file: 'core/roll-forward.test.ts',
      test: 'a merged document says that its tokens may be revoked, if the label does not show the claim on them',
    },
  },
  {
    mistake: 'reports an earlier check of the token secret after it has promoted a newer token',
    patches: [{ file: 'core/run-report.ts', find: 'this.isTokenSecretStale = undefined;', replace: '' }],
    caughtBy: {
      file: 'core/token-secret.test.ts',
      test: 'is unknown again after a promotion that leaves no time to update it',
    },
  },
  {
    mistake: "ignores a rejection of a token's parent",
    patches: [
      {
        file: 'core/decide.ts',
        find: 'return parentTokenHash !== undefined && !mayHaveRevoked(latestEntry, parentTokenHash);',
        replace: 'return parentTokenHash !== undefined;',
      },
    ],
    caughtBy: { file: 'core/decide.test.ts', test: 'an answer, then a rejection of its parent' },
  },
  {
    mistake: 'assumes that an ambiguous failure revoked nothing',
    patches: [
      {
        file: 'core/journal.ts',
        find: `return latestEntry.code !== 'PROVIDER_UNAVAILABLE' || latestEntry.refusals !== undefined;`,
        replace: `return isRefusalCode(latestEntry.code) || latestEntry.refusals !== undefined;`,
      },
    ],
    caughtBy: { breaks: ['I7'], within: 2_000 },
  },
  {
    mistake: 'forgets an answer that could not be stored',
    patches: [
      {
        file: 'core/record.ts',
        find: 'telemetry.countTokenNotStored();',
        replace: 'memory.pendingAnswer = undefined;\n    telemetry.countTokenNotStored();',
      },
    ],
    caughtBy: { breaks: ['I1'], within: 100 },
  },
  {
    mistake: 'sends a token again while its answer is in memory',
    patches: [
      {
        file: 'core/refresh.ts',
        find: 'if (pendingAnswer?.parent.tokenHash === current.tokenHash) {',
        replace: `if (pendingAnswer?.parent.tokenHash === '') {`,
      },
    ],
    caughtBy: {
      file: 'core/refresh-interleaved.test.ts',
      test: 'the token is not sent again, even if a claim could be stored',
    },
  },
  {
    mistake: 'waits between an answer and its record',
    patches: [
      {
        file: 'core/refresh.ts',
        find: 'const tokens = toTokens(answer);',
        replace: 'await runtime.sleep(5_000);\n    const tokens = toTokens(answer);',
      },
    ],
    caughtBy: { breaks: ['I1'], within: 100 },
  },
  {
    mistake: 'mistakes an earlier failure for the end of the attempt that may have revoked an answer',
    patches: [
      {
        file: 'core/record.ts',
        find: 'const isHarmless = lastAttempt === next && failures.some((entry) => entry.attempt === next);',
        replace: 'const isHarmless = failures.length > 0;',
      },
    ],
    caughtBy: {
      file: 'core/record.test.ts',
      test: 'another run has claimed it, and the label lags behind at an earlier failure',
    },
  },
  {
    mistake: 'misses that a token was sent again if only the label shows it',
    patches: [
      {
        file: 'core/record.ts',
        find: 'const attempts = [latest, claimed, failed, claimedAfter].flatMap(',
        replace: 'const attempts = [claimed, failed, claimedAfter].flatMap(',
      },
    ],
    caughtBy: {
      file: 'core/record.test.ts',
      test: 'another run has claimed it, and only the label shows that claim yet',
    },
  },
  {
    mistake: 'does not look for a claim that the label does not show',
    patches: [
      {
        file: 'core/load.ts',
        find: 'latestEntry: (successor === undefined && firstClaim) || latestEntry',
        replace: 'latestEntry',
      },
    ],
    caughtBy: {
      file: 'core/load.test.ts',
      test: 'the first claim on the current token is found by its id if the label is on another token',
    },
  },
  {
    mistake: 'drops the newest of three answers to one token',
    patches: [
      {
        file: 'core/record.ts',
        find: 'if (place !== parent && spent !== tokens.spent_refresh_token_sha256) return place;',
        replace: 'if (place !== parent && spent !== undefined) return place;',
      },
    ],
    caughtBy: {
      file: 'core/record.test.ts',
      test: 'with two other answers to the same token, earlier: this answer follows the last of them',
    },
  },
  {
    mistake: 'applies the timeout of the connection to the whole POST',
    patches: [
      {
        file: 'adapters/token-endpoint.ts',
        find: 'isConnected = true;\n        clearTimeout(connectTimer);',
        replace: 'isConnected = true;',
      },
    ],
    caughtBy: {
      file: 'adapters/token-endpoint.test.ts',
      test: 'even if it comes long after the time for the connection, because that time ends with the connection',
    },
  },
  {
    mistake: 'lets a call to Secrets Manager take longer than the time reserved for it',
    patches: [
      {
        file: 'adapters/secrets-manager-credential-store.ts',
        find: 'const CALL_TIMEOUT_MS = 7_000;',
        replace: 'const CALL_TIMEOUT_MS = 10_000;',
      },
    ],
    caughtBy: {
      file: 'adapters/secrets-manager-credential-store.test.ts',
      test: 'each call ends within the time that a run reserves for it',
    },
  },
  {
    mistake: 'keeps the old access token beside a new refresh token',
    patches: [
      {
        file: 'core/token-members.ts',
        find: 'access_token: answer.accessToken,',
        replace: 'access_token: members.access_token ?? answer.accessToken,',
      },
    ],
    caughtBy: { breaks: ['I3'], within: 100 },
  },
  {
    mistake: 'dates a late answer by its storage instead of its request',
    patches: [
      {
        file: 'core/record.ts',
        find: 'await record(context, parent, tokens, askedAtMs, attempt);',
        replace: 'await record(context, parent, tokens, Math.max(askedAtMs, context.runtime.now()), attempt);',
      },
    ],
    caughtBy: { breaks: ['I1', 'I3'], within: 1_000 },
  },
  {
    mistake: 'drops may_be_revoked from a late answer that follows another',
    patches: [
      {
        file: 'core/record.ts',
        find: 'const pendingAnswer = { parent, tokens, askedAtMs,',
        replace: 'const pendingAnswer = { parent, tokens: { ...tokens, may_be_revoked: undefined }, askedAtMs,',
      },
    ],
    caughtBy: { file: 'core/record.test.ts', test: 'it follows an earlier answer of another run: it may' },
  },
  {
    mistake: 'does not store a late answer in a forced run',
    patches: [
      {
        file: 'core/refresh.ts',
        find: 'const stored = await recordPendingAnswer(this.#context);',
        replace: `const stored = this.#force ? 'none' : await recordPendingAnswer(this.#context);`,
      },
    ],
    caughtBy: {
      file: 'core/refresh-interleaved.test.ts',
      test: 'a forced run, too, first stores an answer that an earlier run here could not store',
    },
  },
];
