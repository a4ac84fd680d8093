import type { Saboteur } from '../sabotage.ts';

const FILE = 'core/token-secret.ts';

/** Mistakes about the token secret. */
export const TOKEN_SECRET_SABOTEURS: readonly Saboteur[] = [
  {
    mistake: 'moves the label of the token secret without comparing',
    patches: [
      {
        file: FILE,
        find: 'await tokenSecret.promote(versionId, held?.versionId)',
        replace: 'await tokenSecret.promote(versionId, (await tokenSecret.readCurrent())?.versionId)',
      },
    ],
    caughtBy: { breaks: ['I9'], within: 5_000 },
  },
  {
    mistake: 'takes whatever the token secret holds for its own',
    patches: [
      {
        file: FILE,
        find: 'if (held === undefined || parseOurs(held) !== undefined) return;',
        replace: 'if (held === undefined || held !== undefined) return;',
      },
    ],
    caughtBy: { breaks: ['I9'], within: 400 },
  },
  {
    mistake: 'takes any object with an access_token for its own',
    patches: [
      {
        file: FILE,
        find: 'return isObject && Object.keys(json).every((name) => NAMES.includes(name)) ? { ...json } : undefined;',
        replace: `return isObject && ('access_token' in json || Object.keys(json).every((name) => NAMES.includes(name)))
    ? { ...json }
    : undefined;`,
      },
    ],
    caughtBy: { breaks: ['I9'], within: 2_000 },
  },
  {
    mistake: 'believes that the token secret is in sync once it holds any token',
    patches: [
      {
        file: FILE,
        find: 'MEMBERS.every((name) => json[name] === members[name]);',
        replace: `json['access_token'] !== undefined;`,
      },
    ],
    caughtBy: { breaks: ['I9'], within: 400 },
  },
  {
    mistake: 'judges the token secret by its access_token only',
    patches: [
      {
        file: FILE,
        find: 'MEMBERS.every((name) => json[name] === members[name]);',
        replace: `json['access_token'] === members.access_token;`,
      },
    ],
    caughtBy: { breaks: ['I9'], within: 2_000 },
  },
  {
    mistake: 'computes the version id of the token secret from the access token only',
    patches: [
      {
        file: FILE,
        find: 'const versionId = tokenVersionId(text);',
        replace: `const versionId = tokenVersionId(current.document.members.access_token ?? '');`,
      },
    ],
    caughtBy: { breaks: ['I9'], within: 2_000 },
  },
  {
    mistake: 'takes a rejected move of the label of the token secret for a move',
    patches: [
      {
        file: FILE,
        find: `if ((await tokenSecret.promote(versionId, held?.versionId)) === 'promoted') return 'repaired';`,
        replace: `await tokenSecret.promote(versionId, held?.versionId);
    return 'repaired';`,
      },
    ],
    caughtBy: { breaks: ['I9'], within: 2_000 },
  },
  {
    mistake: 'copies the token that an earlier read of AWSCURRENT showed',
    patches: [
      { file: FILE, find: 'const current = await readCurrent(context);', replace: 'const current = known;' },
      {
        file: FILE,
        find: 'if ((await readSuccessor(context, current.tokenHash)) !== undefined)',
        replace: 'if (NOT_ROLLED_FORWARD === undefined)',
      },
    ],
    caughtBy: { breaks: ['I9'], within: 2_000 },
  },
  {
    mistake: 'syncs the token secret only once per run',
    patches: [
      {
        file: 'core/run-report.ts',
        find: 'if (current === undefined || current.versionId === this.#syncedVersionId) return;',
        replace: 'if (current === undefined || this.#syncedVersionId !== undefined) return;',
      },
    ],
    caughtBy: {
      file: 'core/token-secret.test.ts',
      test: 'stores the last token if it first promotes an answer that is due again',
    },
  },
  {
    mistake: 'moves the label of the token secret although no time is left for that',
    patches: [
      {
        file: FILE,
        find: 'await tokenSecret.putVersion(versionId, text);\n    requireTime();',
        replace: 'await tokenSecret.putVersion(versionId, text);',
      },
    ],
    caughtBy: { file: 'core/token-secret.test.ts', test: 'stops after the put if no time is left' },
  },
  {
    mistake: 'lets a call to the token secret take longer than the time reserved for it',
    patches: [
      {
        file: 'handler.ts',
        find: 'const TOKEN_SECRET_CALL_TIMEOUT_MS = 3_000;',
        replace: 'const TOKEN_SECRET_CALL_TIMEOUT_MS = 30_000;',
      },
    ],
    caughtBy: {
      file: 'handler.test.ts',
      test: 'ends each call within the time that a run reserves for it, those of the token secret too',
    },
  },
];
