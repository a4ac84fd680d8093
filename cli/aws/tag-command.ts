import type { FleetTag } from '../../lambda/contract.ts';
import type { AwsSettings } from './aws-settings.ts';
import { toSecretTag } from './fleet-tag.ts';

/** What makes a secret one of the fleet, with the AWS CLI. */
export function tagCommand(secretName: string, tag: FleetTag, { profile, region }: AwsSettings): string {
  const { key, value } = toSecretTag(tag);
  const settings = [
    ...(profile === undefined ? [] : ['--profile', profile]),
    ...(region === undefined ? [] : ['--region', region]),
  ];
  const words = ['aws secretsmanager tag-resource --secret-id', secretName, `--tags 'Key=${key},Value=${value}'`];
  return [...words, ...settings].join(' ');
}
