// Plays Lambda's Node.js runtime in a process of its own: loads the bundle once, then serves one invocation after the
// other from the parent. Plain JavaScript, so that nothing stands between this process and the deployed code.

import { Socket } from 'node:net';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';

const [, , bundlePath, functionName, accountId] = process.argv;
let deadlineMs = 0;

// Before the bundle is loaded, which may keep the function.
const machineNow = Date.now;
let clockOffsetMs = 0;
Date.now = () => machineNow() + clockOffsetMs;

/** The function's limits for one call of AWS or one connection: guards against a server that does not answer. */
const GUARDS_MS = new Set([1_000, 2_000, 5_000]);
const PATIENCE = 60;

// Here, a server that is late is one whose machine is busy, and no test may fail for that. Back-offs use other timers or
// other times, and the limit of a POST comes from the deadline: those are as they are in Lambda.
const patient = (ms) => (GUARDS_MS.has(ms) ? ms * PATIENCE : ms);
const { setTimeout: startTimer } = globalThis;
globalThis.setTimeout = (callback, ms, ...args) => startTimer(callback, patient(ms), ...args);
const { setTimeout: limitIdleTime } = Socket.prototype;
Socket.prototype.setTimeout = function (ms, ...args) {
  return limitIdleTime.call(this, patient(ms), ...args);
};
const { timeout: abortAfter } = AbortSignal;
AbortSignal.timeout = (ms) => abortAfter.call(AbortSignal, ms * PATIENCE);

process.on('disconnect', () => process.exit());
process.on('message', (message) => {
  if (message.kind === 'stop') process.exit();
  else if (message.kind === 'hasten') deadlineMs = Math.min(deadlineMs, Date.now() + message.remainingMs);
  else void serve(message).then((answer) => process.send(answer));
});

const { handler } = await import(pathToFileURL(bundlePath));
process.send({ kind: 'ready' });

async function serve({ event, awsRequestId, timeoutMs, ...message }) {
  clockOffsetMs = message.clockOffsetMs;
  deadlineMs = Date.now() + timeoutMs;
  const context = {
    awsRequestId,
    functionName,
    invokedFunctionArn: `arn:aws:lambda:us-east-1:${accountId}:function:${functionName}`,
    getRemainingTimeInMillis: () => deadlineMs - Date.now(),
  };
  try {
    const result = await handler(event, context);
    return { kind: 'result', json: JSON.stringify(result) };
  } catch (error) {
    console.error(toLogLine(awsRequestId, error));
    const { name: errorType, message: errorMessage, stack = '' } = error;
    const inspected = inspect(error, { showHidden: true, depth: Infinity, getters: true });
    return { kind: 'error', errorType, errorMessage, trace: stack.split('\n'), members: { ...error }, inspected };
  }
}

/**
 * Returns one more line of level ERROR, as `aws-lambda-ric` 4.0.2 writes it under the JSON log format. The error's class is its
 * type there. The line has every own enumerable member of the error, and of each error in it.
 */
function toLogLine(requestId, thrown) {
  const line = { timestamp: new Date().toISOString(), level: 'ERROR', requestId, message: thrown };
  return JSON.stringify(line, (_key, value) => {
    if (!(value instanceof Error)) return value;
    const { message: errorMessage, stack } = value;
    const errorType = value?.constructor?.name ?? 'UnknownError';
    return Object.assign({ errorType, errorMessage, stackTrace: stack?.split('\n') }, value);
  });
}
