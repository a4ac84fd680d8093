import type { Saboteur } from '../sabotage.ts';

const FILE = 'core/token-secret.ts';

/** Mistakes about the token secret. */
export const TOKEN_SECRET_SABOTEURS: readonly Saboteur[] = [
  {
    mistake: "moves the token secret's label without comparing",
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
    mistake: 'treats any content of the token secret as its own',
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
    mistake: 'treats any object with an access_token as its own',
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
    mistake: 'considers the token secret in sync if it holds any token',
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
    mistake: 'compares only the access_token of the token secret',
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
    mistake: "derives the token secret's version id only from the access token",
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
    mistake: "treats a rejected move of the token secret's label as a success",
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
    mistake: 'copies a token from an earlier read of AWSCURRENT',
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
    mistake: "moves the token secret's label although no time is left",
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
