import { Annotations } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { TokenRefreshSettings } from '../options/schema.ts';

export type KeySettings = Pick<TokenRefreshSettings, 'encryptionKey' | 'alarmsAndLogsKey'>;

/** Returns the key of the topic and the logs, by default the secrets' key; `undefined` if there is none. */
export function toAlarmsAndLogsKey({
  encryptionKey,
  alarmsAndLogsKey,
}: KeySettings): TokenRefreshSettings['encryptionKey'] {
  return alarmsAndLogsKey === undefined ? encryptionKey : alarmsAndLogsKey || undefined;
}

/** Warns if alarms and logs depend on the secrets' key and no option asks for that. */
export function warnAboutSecretsKey(scope: Construct, { encryptionKey, alarmsAndLogsKey }: KeySettings): void {
  if (encryptionKey === undefined || alarmsAndLogsKey !== undefined) return;
  Annotations.of(scope).addWarningV2(
    'retently-token-refresh:alarmsNeedSecretsKey',
    'Alarms and logs are encrypted with the `encryptionKey` of the secrets. If that key is disabled, no alarm can be sent and no log can be read. Set alarmsAndLogsKey to another key, to false for none, or to the same key to accept this.',
  );
}
