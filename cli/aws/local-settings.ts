import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { CommandError, EXIT } from '../command-error.ts';
import { type AwsVariables, environment } from '../environment.ts';
import { terminal } from '../terminal/terminal.ts';
import type { AwsSettings } from './session.ts';

/** Settings of the session, resolved as AWS CLI 2 does where the SDK for JavaScript differs. */
export interface ResolvedSettings extends AwsSettings {
  /** Keys of the environment, if they come before the profile. */
  readonly credentials?: AwsVariables['keys'];
}

/**
 * Resolves profile, region and keys in the order of AWS CLI 2: `--profile` comes before keys in the environment, and
 * these come before `AWS_PROFILE`. `AWS_DEFAULT_REGION` follows `AWS_REGION`.
 *
 * @throws CommandError if the profile does not exist, or if the environment has only one of two keys
 */
export function resolveSettings(given: AwsSettings): ResolvedSettings {
  const { keys, isKeyPartial, profile: ownProfile, region: ownRegion, isProxySet } = environment.aws();
  const profile = given.profile ?? ownProfile;
  if (profile !== undefined && profile !== 'default' && !hasProfile(profile)) {
    const message = `AWS profile ${profile} does not exist. Check --profile and AWS_PROFILE; 'aws configure list-profiles' prints all of them.`;
    throw new CommandError(EXIT.unable, message);
  }
  // Without this, a profile or another source would be used, which is another identity.
  if (isKeyPartial && given.profile === undefined) {
    const message =
      'AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not. Set both, unset both, or pass --profile.';
    throw new CommandError(EXIT.unable, message);
  }
  if (isProxySet) {
    terminal.say('A proxy is set in the environment. The AWS CLI would use it, but this command connects directly.');
  }
  const credentials = given.profile === undefined ? keys : undefined;
  return { profile, region: given.region ?? ownRegion, credentials };
}

/** Returns whether the AWS CLI's files have a section for the profile. */
function hasProfile(name: string): boolean {
  const { configFile, credentialsFile } = environment.aws();
  const inConfig = readSections(configFile ?? join(homedir(), '.aws', 'config'));
  const inCredentials = readSections(credentialsFile ?? join(homedir(), '.aws', 'credentials'));
  return inConfig.has(`profile ${name}`) || inCredentials.has(name);
}

function readSections(path: string): ReadonlySet<string> {
  try {
    const heads = readFileSync(path, 'utf8').matchAll(/^\s*\[\s*([^\]]+?)\s*\]/gm);
    return new Set([...heads].map(([, head = '']) => head.replaceAll(/["']/g, '').replaceAll(/\s+/g, ' ')));
  } catch {
    return new Set();
  }
}
