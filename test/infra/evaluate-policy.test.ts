import { describe, expect, it } from 'vitest';
import { evaluatePolicy, parsePolicy } from './evaluate-policy.ts';

const SECRET = 'arn:aws:secretsmanager:us-east-1:000000000000:secret:mine-AbCdEf';
const ATTRIBUTES = { Secret: SECRET, 'Bus.Arn': 'arn:aws:events:us-east-1:000000000000:event-bus/mine' };
const READ = { action: 'secretsmanager:GetSecretValue', resource: SECRET };
const PUBLISH = { action: 'events:PutEvents', resource: ATTRIBUTES['Bus.Arn'] };

const allow = { Sid: 'Read', Effect: 'Allow', Action: READ.action, Resource: { Ref: 'Secret' } };
const policy = (...Statement: readonly unknown[]) => parsePolicy({ Version: '2012-10-17', Statement }, ATTRIBUTES);

describe('a policy', () => {
  it('allows only the calls that a statement names', () => {
    expect(evaluatePolicy(policy(allow), READ)).toMatchObject({ sid: 'Read', resource: SECRET });
    expect(evaluatePolicy(policy(allow), { ...READ, action: 'secretsmanager:PutSecretValue' })).toBeUndefined();
    expect(evaluatePolicy(policy(allow), { ...READ, resource: `${SECRET}x` })).toBeUndefined();
    expect(evaluatePolicy(policy(), READ)).toBeUndefined();
  });

  it('denies a call that one statement denies, even if another allows it', () => {
    expect(evaluatePolicy(policy(allow, { ...allow, Effect: 'Deny' }), READ)).toBeUndefined();
  });

  it.each([
    ['secretsmanager:*', SECRET, true],
    ['SecretsManager:getsecretvalue', SECRET, true],
    ['secretsmanager:Get?ecretValue', SECRET, true],
    ['secretsmanager:Get', SECRET, false],
    [READ.action, '*', true],
    [READ.action, SECRET.replace('AbCdEf', '??????'), true],
    [READ.action, SECRET.replace('AbCdEf', '?????'), false],
    [READ.action, SECRET.toLowerCase(), false],
  ])('takes %s on %s as IAM does', (Action, Resource, isAllowed) => {
    expect(evaluatePolicy(policy({ ...allow, Action, Resource }), READ) !== undefined).toBe(isAllowed);
  });

  it('allows only under its condition, and never without the key', () => {
    const bound = policy({
      Sid: 'Publish',
      Effect: 'Allow',
      Action: [PUBLISH.action],
      Resource: [{ 'Fn::GetAtt': ['Bus', 'Arn'] }],
      Condition: { StringEquals: { 'events:Source': ['mine', { 'Fn::Join': ['.', ['also', 'mine']] }] } },
    });
    expect(evaluatePolicy(bound, { ...PUBLISH, keys: { 'events:source': 'mine' } })).toBeDefined();
    expect(evaluatePolicy(bound, { ...PUBLISH, keys: { 'events:source': 'also.mine' } })).toBeDefined();
    expect(evaluatePolicy(bound, { ...PUBLISH, keys: { 'events:source': 'theirs' } })).toBeUndefined();
    expect(evaluatePolicy(bound, PUBLISH)).toBeUndefined();
  });

  it('asks a multivalued key for every value, and for its presence only with Null', () => {
    const Condition = { 'ForAllValues:StringEquals': { 'events:source': 'mine' } };
    const publish = { Sid: 'Publish', Effect: 'Allow', Action: PUBLISH.action, Resource: PUBLISH.resource };
    const open = policy({ ...publish, Condition });
    expect(evaluatePolicy(open, PUBLISH)).toBeDefined();
    expect(evaluatePolicy(open, { ...PUBLISH, keys: { 'events:source': 'theirs' } })).toBeUndefined();
    const bound = policy({ ...publish, Condition: { ...Condition, Null: { 'events:source': 'false' } } });
    expect(evaluatePolicy(bound, PUBLISH)).toBeUndefined();
    expect(evaluatePolicy(bound, { ...PUBLISH, keys: { 'events:source': 'mine' } })).toBeDefined();
  });

  it('of a resource allows the principals that it names', () => {
    const [reader, other] = ['arn:aws:iam::123456789012:role/reader', 'arn:aws:iam::123456789012:role/other'];
    const ofResource = policy({ ...allow, Principal: { AWS: [reader] } });
    expect(evaluatePolicy(ofResource, { ...READ, principal: reader })).toBeDefined();
    expect(evaluatePolicy(ofResource, { ...READ, principal: other })).toBeUndefined();
    expect(evaluatePolicy(policy({ ...allow, Principal: { AWS: '*' } }), READ)).toBeDefined();
  });

  it.each([
    ['an operator', { Condition: { ArnLike: { 'aws:SourceArn': '*' } } }, 'ArnLike'],
    ['a member', { NotAction: 'secretsmanager:DeleteSecret' }, 'NotAction'],
    ['a resource', { Resource: { Ref: 'Other' } }, 'Other'],
    ['an intrinsic function', { Resource: { 'Fn::Sub': 'Secret' } }, 'Invalid input'],
  ])('is rejected with %s that this evaluation does not support', (_, members, named) => {
    expect(() => policy({ ...allow, ...members })).toThrow(named);
  });
});
