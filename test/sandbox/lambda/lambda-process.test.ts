import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../../support/in-sandbox.ts';
import { type LambdaProcess, startLambdaProcess } from './lambda-process.ts';

const HANDLER = `
let count = 0;
export async function handler(event, context) {
  if (event.hang) await new Promise((resolve) => setInterval(() => {
    if (context.getRemainingTimeInMillis() <= event.untilMs) resolve();
  }, 1));
  if (event.fail) throw Object.assign(new TypeError(event.fail), { code: 7 });
  const { awsRequestId, functionName } = context;
  return { count: ++count, awsRequestId, functionName, variable: process.env.VARIABLE, execArgv: process.execArgv };
}
`;

let directory: string;
let lambda: LambdaProcess;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lambda-process-'));
  const bundlePath = join(directory, 'index.mjs');
  writeFileSync(bundlePath, HANDLER);
  lambda = await startLambdaProcess({ bundlePath, environment: { VARIABLE: 'set' }, functionName: 'named' });
});

afterAll(async () => {
  await lambda.kill();
  rmSync(directory, { recursive: true });
});

test('serves one invocation after the other, warm, with the context and environment of Lambda', async () => {
  const result = { awsRequestId: 'one', functionName: 'named', variable: 'set', execArgv: [] };
  const first = await lambda.invoke({}, { awsRequestId: 'one' });
  expect(first).toEqual({ kind: 'result', result: { ...result, count: 1 } });
  expect(await lambda.invoke({}, { awsRequestId: 'one' })).toMatchObject({ result: { count: 2 } });
});

test("returns a thrown error in the runtime's format", async () => {
  const invocation = await lambda.invoke({ fail: 'broken' });
  expect(invocation).toMatchObject({
    kind: 'error',
    errorType: 'TypeError',
    errorMessage: 'broken',
    members: { code: 7 },
  });
  // What the process writes can arrive later than its answer.
  await until(() => lambda.stderr.includes('\n'));
  expect(lambda.stderr).toMatch(/"ERROR".*\{"errorType":"TypeError".*"code":7/);
});

test('the time that remains runs down, faster if it is hastened', async () => {
  const running = lambda.invoke({ hang: true, untilMs: 900 });
  lambda.hasten(1_000);
  expect(await running).toMatchObject({ kind: 'result' });
});

test('is killed at its timeout, and answers nothing from then on', async () => {
  expect(await lambda.invoke({ hang: true, untilMs: -1_000 }, { timeoutMs: 50 })).toEqual({ kind: 'ended' });
  expect(await lambda.invoke({})).toEqual({ kind: 'ended' });
});

test('a bundle that cannot be loaded is reported with its error', async () => {
  await expect(startLambdaProcess({ bundlePath: join(directory, 'absent.mjs'), environment: {} })).rejects.toThrow(
    /could not be loaded:.*ERR_MODULE_NOT_FOUND/s,
  );
});
