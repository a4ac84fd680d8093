import { createHash, createHmac, hash } from 'node:crypto';
import { Agent } from 'node:https';
import { post, toHandler } from './same-calls.ts';

// The floor: the calls signed by hand (SigV4), without an SDK. Do not use this; it shows what only the calls
// cost.

const {
  AWS_REGION = '',
  AWS_ACCESS_KEY_ID = '',
  AWS_SECRET_ACCESS_KEY = '',
  AWS_SESSION_TOKEN = '',
  AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsManager = '',
  AWS_ENDPOINT_URL_EVENTBRIDGE: eventBridge = '',
  TOKEN_ENDPOINT = '',
} = process.env;
const agent = new Agent({ keepAlive: true });

export const handler = toHandler({
  secretsManager: (operation, input) => call(secretsManager, 'secretsmanager', `secretsmanager.${operation}`, input),
  putEvents: (Entries) => call(eventBridge, 'events', 'AWSEvents.PutEvents', { Entries }),
  post: (body) => post(agent, TOKEN_ENDPOINT, { 'content-type': 'application/x-www-form-urlencoded' }, body),
});

/** One call of AWS JSON 1.1, signed with Signature Version 4. */
function call(endpoint: string, service: string, target: string, input: object) {
  const body = JSON.stringify(input);
  const time = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const headers = {
    'content-type': 'application/x-amz-json-1.1',
    host: new URL(endpoint).host,
    'x-amz-date': time,
    'x-amz-security-token': AWS_SESSION_TOKEN,
    'x-amz-target': target,
  };
  const signed = Object.keys(headers).join(';');
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`);
  const canonical = ['POST', '/', '', lines.join(''), signed, hash('sha256', body)].join('\n');
  const scope = [time.slice(0, 8), AWS_REGION, service, 'aws4_request'];
  const key = scope.reduce<string | Buffer>(hmac, `AWS4${AWS_SECRET_ACCESS_KEY}`);
  const digest = createHash('sha256').update(canonical).digest('hex');
  const signature = hmac(key, ['AWS4-HMAC-SHA256', time, scope.join('/'), digest].join('\n')).toString('hex');
  const credential = `${AWS_ACCESS_KEY_ID}/${scope.join('/')}`;
  const authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${signed}, Signature=${signature}`;
  return post(agent, endpoint, { ...headers, authorization }, body);
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
