import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CredentialStore } from '../../lambda/core/ports.ts';
import { CREDENTIAL_STORES, type OpenStore } from './credential-stores.ts';

const DAY_MS = 86_400_000;
const MAX_VERSIONS = 100;
const MAX_VALUE_BYTES = 65_536;

const id = (name: string) => name.padEnd(64, '0');
const text = (name: string) => JSON.stringify({ name });
const [A, B, UNKNOWN] = [id('a'), id('b'), id('f')];

describe.each(Object.entries(CREDENTIAL_STORES))('CredentialStore: %s', (_name, open) => {
  let opened: OpenStore;
  let first: string;

  beforeEach(async () => {
    opened = await open(text('first'));
    first = (await ask((store) => store.readCurrent()))?.versionId ?? '';
  });

  afterEach(() => opened.close());

  function ask<Answer>(call: (store: CredentialStore) => Promise<Answer>): Promise<Answer> {
    return opened.carryOut(() => call(opened.store));
  }

  const put = (versionId: string, name: string) => ask((store) => store.putVersion(versionId, text(name)));
  const promote = (to: string, from?: string) => ask((store) => store.promote(to, from));

  /** Text of the versions that the three labels are on. */
  async function readLabels() {
    const read = async (call: (store: CredentialStore) => ReturnType<CredentialStore['readCurrent']>) =>
      (await ask(call))?.secretString;
    return {
      current: await read((store) => store.readCurrent()),
      latestEntry: await read((store) => store.readLatestEntry()),
      previous: await read((store) => store.readPrevious()),
    };
  }

  test('reads the only version, and nothing if there is none', async () => {
    expect(await readLabels()).toEqual({ current: text('first'), latestEntry: undefined, previous: undefined });
    expect(await ask((store) => store.readVersion(UNKNOWN))).toBeUndefined();
    expect(await ask((store) => store.readVersion(first))).toMatchObject({
      versionId: first,
      secretString: text('first'),
      createdAt: expect.any(Number),
    });
  });

  test('creates a version, which becomes the latest entry and not the current version', async () => {
    expect(await put(A, 'a')).toBe('created');
    expect(await readLabels()).toEqual({ current: text('first'), latestEntry: text('a'), previous: undefined });
    expect(await put(B, 'b')).toBe('created');
    expect(await readLabels()).toMatchObject({ latestEntry: text('b') });
    expect(await ask((store) => store.readVersion(A))).toMatchObject({ versionId: A, secretString: text('a') });
  });

  test('repeats a put without effect: no label moves, and no version is added', async () => {
    await put(A, 'a');
    await put(B, 'b');
    expect(await put(A, 'a')).toBe('created');
    expect(await readLabels()).toMatchObject({ latestEntry: text('b') });
    expect(await ask((store) => store.listVersions())).toHaveLength(3);
  });

  test('does not overwrite a version: other content under its id already exists', async () => {
    await put(A, 'a');
    await put(B, 'b');
    expect(await put(A, 'other')).toBe('exists');
    expect(await ask((store) => store.readVersion(A))).toMatchObject({ secretString: text('a') });
    expect(await readLabels()).toMatchObject({ latestEntry: text('b') });
  });

  test('lets exactly one of two concurrent puts under one id create it', async () => {
    const puts = await opened.carryOut(() =>
      Promise.all(['one', 'two'].map((name) => opened.store.putVersion(A, text(name)))),
    );
    expect(puts.toSorted()).toEqual(['created', 'exists']);
  });

  test('moves AWSCURRENT from the expected version, and AWSPREVIOUS follows', async () => {
    await put(A, 'a');
    expect(await promote(A, first)).toBe('promoted');
    expect(await readLabels()).toEqual({ current: text('a'), latestEntry: text('a'), previous: text('first') });
  });

  test('does not move AWSCURRENT from another version, or twice, or to a version that does not exist', async () => {
    await put(A, 'a');
    await put(B, 'b');
    expect(await promote(B, A)).toBe('refused');
    expect(await promote(UNKNOWN, first)).toBe('refused');
    expect(await readLabels()).toMatchObject({ current: text('first') });
    expect(await promote(A, first)).toBe('promoted');
    expect(await promote(A, first)).toBe('refused');
    expect(await readLabels()).toEqual({ current: text('a'), latestEntry: text('b'), previous: text('first') });
  });

  test('treats a missing expected version as "on this version already"', async () => {
    await put(A, 'a');
    expect(await promote(A)).toBe('refused');
    expect(await promote(first)).toBe('promoted');
    expect(await readLabels()).toMatchObject({ current: text('first') });
  });

  test('lists every kept version, and when it was created, with or without a label', async () => {
    const { createdAt } = (await ask((store) => store.readVersion(first))) ?? { createdAt: Number.NaN };
    await opened.pass(1_000);
    await put(A, 'a');
    await put(B, 'b');
    const listed = await ask((store) => store.listVersions());
    expect(new Set(listed.map(({ versionId }) => versionId))).toEqual(new Set([first, A, B]));
    expect(listed).toContainEqual({ versionId: first, createdAt });
    expect(listed.filter((version) => version.createdAt >= createdAt + 1_000)).toHaveLength(2);
  });

  test('rejects the 101st version within 24 hours, and removes the oldest unlabeled one after that', async () => {
    for (let number = 1; number < MAX_VERSIONS; number++)
      expect(await put(id(`${number}x`), `${number}`)).toBe('created');
    await expect(put(A, 'a')).rejects.toMatchObject({ name: 'STORE_UNAVAILABLE' });
    expect(await put(id('99x'), '99')).toBe('created');
    await opened.pass(DAY_MS);
    expect(await put(A, 'a')).toBe('created');
    expect(await ask((store) => store.listVersions())).toHaveLength(MAX_VERSIONS);
    expect(await ask((store) => store.readVersion(id('1x')))).toBeUndefined();
    expect(await ask((store) => store.readVersion(first))).toMatchObject({ secretString: text('first') });
  });

  test('rejects a value of more than 65,536 bytes', async () => {
    const of = (bytes: number) => 'x'.repeat(bytes);
    expect(await ask((store) => store.putVersion(A, of(MAX_VALUE_BYTES)))).toBe('created');
    const put = ask((store) => store.putVersion(B, of(MAX_VALUE_BYTES + 1)));
    await expect(put).rejects.toMatchObject({ name: 'STORE_UNAVAILABLE' });
  });
});
