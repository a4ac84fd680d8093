import { expect, test } from 'vitest';
import { regionOption } from '../../../lambda/core/region-option.ts';

test('the region of a secret is that of its ARN', () => {
  const arn = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:retently-AbCdEf';
  expect(regionOption(arn)).toBe(' --region eu-west-1');
});

test('the region of a secret with only a name is not known', () => {
  expect(regionOption('RetentlyCredentials')).toBe('');
});
