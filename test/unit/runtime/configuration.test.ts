import { afterEach, describe, expect, test, vi } from 'vitest';
import { parseConfiguration } from '../../../lambda/runtime/configuration.ts';
import { faultOf } from '../../support/fault-of.ts';

const REQUIRED = { CREDENTIALS_SECRET_ID: 'RetentlyCredentials' };

afterEach(() => {
  vi.unstubAllEnvs();
});

test('requires only the secret, and uses the defaults of the contract', () => {
  expect(parseConfiguration(REQUIRED)).toEqual({
    credentialsSecretId: 'RetentlyCredentials',
    tokenEndpoint: new URL('https://app.retently.com/api/oauth/token'),
    eventBusName: 'default',
    defaultTokenLifetimeSeconds: 21_600,
    leaseSeconds: 90,
    scheduleSeconds: 600,
  });
});

test('every variable is used as it is set', () => {
  const environment = {
    CREDENTIALS_SECRET_ID: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:R-AbCdEf',
    TOKEN_ENDPOINT: 'https://example.com/token?tenant=1',
    EVENT_BUS_NAME: 'operations',
    DEFAULT_TOKEN_LIFETIME_SECONDS: '3600',
    LEASE_SECONDS: '330',
    SCHEDULE_SECONDS: '1800',
    PATH: '/usr/bin',
  };
  expect(parseConfiguration(environment)).toEqual({
    credentialsSecretId: environment.CREDENTIALS_SECRET_ID,
    tokenEndpoint: new URL('https://example.com/token?tenant=1'),
    eventBusName: 'operations',
    defaultTokenLifetimeSeconds: 3_600,
    leaseSeconds: 330,
    scheduleSeconds: 1_800,
  });
});

test('is read from the process if nothing else is given', () => {
  vi.stubEnv('CREDENTIALS_SECRET_ID', 'from-the-process');
  expect(parseConfiguration()).toMatchObject({ credentialsSecretId: 'from-the-process' });
});

test('an empty EVENT_BUS_NAME means no events', () => {
  expect(parseConfiguration({ ...REQUIRED, EVENT_BUS_NAME: '' }).eventBusName).toBeUndefined();
});

test.each(['http://127.0.0.1:8080/token', 'http://localhost/token', 'http://[::1]:80/token'])(
  'http: is allowed only on loopback: %s',
  (url) => {
    expect(parseConfiguration({ ...REQUIRED, TOKEN_ENDPOINT: url }).tokenEndpoint.href).toBe(new URL(url).href);
  },
);

describe('a mistake is CONFIGURATION_INVALID, with its name and without its value', () => {
  const NO_URL = /\bTOKEN_ENDPOINT [^;]*\bhttps:/;
  const NO_LEASE = /\bLEASE_SECONDS [^;]*\b1 to 3600\b/;

  test.each<[string, { [name: string]: string | undefined }, RegExp]>([
    ['missing', { CREDENTIALS_SECRET_ID: undefined }, /\bCREDENTIALS_SECRET_ID [^;]*\bARN\b/],
    ['empty', { CREDENTIALS_SECRET_ID: '' }, /\bCREDENTIALS_SECRET_ID [^;]*\bARN\b/],
    ['no URL', { TOKEN_ENDPOINT: 'P1ANTED' }, NO_URL],
    ['an empty URL', { TOKEN_ENDPOINT: '' }, NO_URL],
    ['http:', { TOKEN_ENDPOINT: 'http://example.com/P1ANTED' }, NO_URL],
    ['a host that only resembles loopback', { TOKEN_ENDPOINT: 'http://127.0.0.1.example.com' }, NO_URL],
    ['another protocol', { TOKEN_ENDPOINT: 'ftp://localhost/P1ANTED' }, NO_URL],
    ['a user name', { TOKEN_ENDPOINT: 'https://P1ANTED@example.com' }, NO_URL],
    ['a password', { TOKEN_ENDPOINT: 'https://:P1ANTED@example.com' }, NO_URL],
    ['a fragment', { TOKEN_ENDPOINT: 'https://example.com/#P1ANTED' }, NO_URL],
    ['zero', { LEASE_SECONDS: '0' }, NO_LEASE],
    ['negative', { LEASE_SECONDS: '-90' }, NO_LEASE],
    ['a fraction', { LEASE_SECONDS: '90.5' }, NO_LEASE],
    ['with a unit', { LEASE_SECONDS: '90s' }, NO_LEASE],
    ['an empty number', { LEASE_SECONDS: '' }, NO_LEASE],
    ['over a year', { DEFAULT_TOKEN_LIFETIME_SECONDS: '31536001' }, /_SECONDS [^;]*\b1 to 31536000\b/],
  ])('%s', (_what, environment, mistake) => {
    const { name, message } = faultOf(() => parseConfiguration({ ...REQUIRED, ...environment }));
    expect(name).toBe('CONFIGURATION_INVALID');
    expect(message).toMatch(mistake);
    expect(message).not.toContain('P1ANTED');
  });

  test('more digits than a number can have are too many seconds', () => {
    const { message } = faultOf(() => parseConfiguration({ ...REQUIRED, LEASE_SECONDS: '9'.repeat(400) }));
    expect(message).toMatch(NO_LEASE);
  });

  test('a year is the longest lifetime, and is accepted', () => {
    const environment = { ...REQUIRED, DEFAULT_TOKEN_LIFETIME_SECONDS: '31536000' };
    expect(parseConfiguration(environment).defaultTokenLifetimeSeconds).toBe(31_536_000);
  });

  test('all of them are reported together', () => {
    const all = { TOKEN_ENDPOINT: 'x', DEFAULT_TOKEN_LIFETIME_SECONDS: 'x', LEASE_SECONDS: 'x' };
    const { message } = faultOf(() => parseConfiguration(all));
    for (const name of ['CREDENTIALS_SECRET_ID', ...Object.keys(all)]) expect(message).toContain(`${name} `);
  });
});
