import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { EVENT_DETAIL_TYPES } from '../../lambda/contract.ts';
import { type Sandbox, startSandbox } from '../sandbox/sandbox.ts';
import { matchesPattern } from '../support/event-pattern.ts';
import { endingOf, startConfigured } from '../support/in-sandbox.ts';
import { blocksOf, readDocument } from '../support/markdown.ts';

const FORCED = { action: 'refresh', force: true };
const MINUTE_MS = 60_000;
const DOCUMENT = readDocument('docs/events-and-metrics.md');
const RECIPES = readDocument('docs/recipes.md');
const DETAIL_TYPES = Object.values(EVENT_DETAIL_TYPES);
const TEMPLATE = 'docs/events/restart-consumer.template.json';
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const examplesSchema = z.object({ examples: z.array(z.looseObject({ 'detail-type': z.string() })) });
const objectSchema = z.looseObject({ properties: z.record(z.string(), z.unknown()).optional() });
const eventSchema = z.object({ 'detail-type': z.string(), detail: z.record(z.string(), z.unknown()) });
type Event = z.output<typeof eventSchema>;

const SCHEMAS = new Map(
  DETAIL_TYPES.map((type) => {
    const name = type.toLowerCase().replaceAll(' ', '-');
    return [type as string, JSON.parse(readDocument(`docs/events/${name}.schema.json`))] as const;
  }),
);

/** The same schema without additional members: a member that it does not name is not documented. */
function strict(schema: unknown): unknown {
  const { success, data } = objectSchema.safeParse(schema);
  if (!success || data.properties === undefined) return schema;
  const properties = Object.entries(data.properties).map(([name, value]) => [name, strict(value)]);
  return { ...data, properties: Object.fromEntries(properties), additionalProperties: false };
}

/** Returns the schema violations of an event. */
function mistakesOf(event: Event): unknown {
  const schema = strict(SCHEMAS.get(event['detail-type']));
  const validate = new Ajv2020({ strict: true, allErrors: true }).compile(
    z.record(z.string(), z.unknown()).parse(schema),
  );
  return validate(event) ? [] : validate.errors;
}

let events: readonly Event[];

beforeAll(async () => {
  events = [
    ...(await sentBy({}, async (sandbox) => {
      const { lambda } = await startConfigured(sandbox);
      const endings = [endingOf(await lambda.invoke({}))];
      sandbox.authorizationServer.revoke();
      endings.push(endingOf(await lambda.invoke(FORCED)));
      sandbox.putCredentials(await sandbox.mintCredentials());
      endings.push(endingOf(await lambda.invoke({})));
      expect(endings).toEqual(['refreshed', 'REAUTHORIZATION_REQUIRED', 'refreshed']);
    })),
    ...(await sentBy({ script: [{ status: 400, body: {} }] }, async (sandbox) => {
      const { lambda } = await startConfigured(sandbox);
      const endings: string[] = [];
      for (const minutes of [0, 30, 61]) {
        endings.push(endingOf(await lambda.invoke(FORCED, { clockOffsetMs: minutes * MINUTE_MS })));
      }
      expect(endings).toEqual(['PROVIDER_UNAVAILABLE', 'PROVIDER_UNAVAILABLE', 'REAUTHORIZATION_PROBABLE']);
    })),
    ...(await sentBy({}, async (sandbox) => {
      const { lambda } = await startConfigured(sandbox);
      sandbox.aws.inject({ kind: 'drop-before', operation: 'UpdateSecretVersionStage', times: 1_000 });
      const endings = [endingOf(await lambda.invoke({}))];
      sandbox.aws.clearFaults();
      endings.push(endingOf(await lambda.invoke({})));
      expect(endings).toEqual(['STORE_UNAVAILABLE', 'adopted']);
    })),
    ...(await sentBy({ kind: 'no-rotation', script: ['forward', { status: 502 }] }, async (sandbox) => {
      const { lambda } = await startConfigured(sandbox);
      expect(endingOf(await lambda.invoke({}))).toBe('refreshed');
      expect(endingOf(await lambda.invoke(FORCED))).toBe('PROVIDER_AMBIGUOUS');
    })),
  ];
});

/** Returns the events that the bundled handler sent during `act`, as a rule receives them. */
async function sentBy(
  options: Parameters<typeof startSandbox>[0],
  act: (sandbox: Sandbox) => Promise<void>,
): Promise<readonly Event[]> {
  await using sandbox = await startSandbox(options);
  await act(sandbox);
  return sandbox.aws.eventBridge.events.map(({ source, detailType, detail }) => ({
    source,
    'detail-type': detailType,
    detail,
  }));
}

describe('the events that the handler sends', () => {
  test('are of every type, and of both kinds of reauthorization', () => {
    expect(new Set(events.map((event) => event['detail-type']))).toEqual(new Set(DETAIL_TYPES));
    const required = events.filter((event) => event['detail-type'] === EVENT_DETAIL_TYPES.reauthorizationRequired);
    expect(required.map(({ detail }) => detail['probable'])).toEqual([undefined, true]);
  });

  test('match their schemas, and have no other member', () => {
    for (const event of events) expect(mistakesOf(event), JSON.stringify(event)).toEqual([]);
  });

  test('have no attempt if a run only finished the work of another', () => {
    const attempts = events.filter((event) => event['detail-type'] === EVENT_DETAIL_TYPES.refreshed);
    expect(attempts.map(({ detail }) => detail['attempt'])).toContain(undefined);
  });

  test('state when the current token expires, if there is one, also after a failure', () => {
    const failed = events.filter((event) => event['detail-type'] === EVENT_DETAIL_TYPES.failed);
    expect(failed.map(({ detail }) => typeof detail['expiresAt'])).toContain('string');
  });
});

describe('a schema rejects', () => {
  test.each(DETAIL_TYPES)('%s with a token, without its version, or of another source', (type) => {
    const event = events.find((each) => each['detail-type'] === type) ?? { 'detail-type': type, detail: {} };
    const { version: _, ...rest } = event.detail;
    expect(mistakesOf({ ...event, detail: { ...event.detail, accessToken: 'x' } })).not.toEqual([]);
    expect(mistakesOf({ ...event, detail: rest })).not.toEqual([]);
    expect(mistakesOf({ ...event, ...{ source: 'aws.events' } })).not.toEqual([]);
  });

  test('of an event there is one, and no other', () => {
    const files = readdirSync(`${ROOT}/docs/events`).filter((name) => name.endsWith('.schema.json'));
    expect(files).toHaveLength(DETAIL_TYPES.length);
    for (const name of files) expect(DOCUMENT).toContain(`(events/${name})`);
  });
});

test.each(DETAIL_TYPES)('the schema of %s has one example, which keeps to it', (type) => {
  const { examples } = examplesSchema.parse(SCHEMAS.get(type));
  expect(examples.map((example) => example['detail-type'])).toEqual([type]);
  for (const example of examples) expect(mistakesOf(eventSchema.loose().parse(example))).toEqual([]);
});

test('the document has the example of a new token', () => {
  const examples = blocksOf(DOCUMENT, 'json').map((block) => JSON.parse(block));
  expect(examples).toEqual(examplesSchema.parse(SCHEMAS.get('Retently Token Refreshed')).examples);
});

describe('the rule that restarts a consumer', () => {
  const template = JSON.parse(readDocument(TEMPLATE));
  const { EventPattern } = template.Resources.Rule.Properties;
  const [shown = '{}'] = blocksOf(RECIPES, 'json pattern');

  /** Replaces the secret id with the sandbox's. */
  const withSecret = (pattern: unknown) => ({
    ...z.record(z.string(), z.unknown()).parse(pattern),
    detail: { secretId: [events[0]?.detail['secretId']] },
  });

  test('is in the template as it is shown', () => {
    expect(EventPattern.detail).toEqual({ secretId: [{ Ref: 'SecretId' }] });
    expect(withSecret(EventPattern)).toEqual(withSecret(JSON.parse(shown)));
  });

  test('sees each refresh of this secret once, and nothing else', () => {
    const pattern = withSecret(EventPattern);
    const seen = events.filter((event) => matchesPattern(pattern, event));
    expect(seen).toEqual(events.filter((event) => event['detail-type'] === 'Retently Token Refreshed'));
    expect(seen.length).toBeGreaterThan(1);
    expect(events.filter((event) => matchesPattern(JSON.parse(shown), event))).toEqual([]);
  });
});

describe('a pattern, as EventBridge documents it', () => {
  const event = { source: 'a', detail: { code: 'X', tags: ['b', 'c'], count: 1 } };
  test.each([
    [{ source: ['a'] }, true],
    [{ source: ['b', 'a'] }, true],
    [{ source: ['A'] }, false],
    [{ detail: { code: ['X'], count: [1] } }, true],
    [{ detail: { count: ['1'] } }, false],
    [{ detail: { tags: ['c'] } }, true],
    [{ detail: { missing: ['X'] } }, false],
    [{ source: ['a'], detail: { code: ['Y'] } }, false],
  ])('%j: %s', (pattern, isMatch) => {
    expect(matchesPattern(pattern, event)).toBe(isMatch);
  });

  test('with another comparison is rejected', () => {
    expect(() => matchesPattern({ source: [{ prefix: 'a' }] }, event)).toThrow();
  });
});
