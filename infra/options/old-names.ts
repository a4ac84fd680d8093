import { describe } from './mistakes.ts';

/** Function that returns the current name and value of an old option, or `undefined` if the value is current. */
type Rename = (value: unknown) => readonly [string, unknown] | undefined;

const to =
  (name: string, toValue: (value: unknown) => unknown = (value) => value): Rename =>
  (value) => [name, toValue(value)];
const minutes = (value: unknown) => ({ minutes: value });
const seconds = (value: unknown) => ({ seconds: value });

/** Options of version 0.2.0 and earlier, by path. */
const RENAMED: Readonly<Record<string, Rename>> = {
  existingSecret: to('secret'),
  'tokenSecret.existing': to('tokenSecret'),
  kmsKeyArn: to('encryptionKey'),
  'schedule.everyMinutes': to('interval', minutes),
  'schedule.flexibleWindowMinutes': to('flexibleWindow', minutes),
  'schedule.expression': to('interval', (rate) =>
    minutes(Number(/^rate\((\d+) minutes?\)$/.exec(String(rate))?.[1] ?? 10)),
  ),
  tokenLifetimeSeconds: to('tokenLifetime', seconds),
  'eventBus.existing': to('eventBus'),
  eventBus: (value) => (value === 'none' ? ['publishEvents', false] : undefined),
  memoryMegabytes: to('memorySize'),
  timeoutSeconds: to('timeout', seconds),
  logRetentionDays: to('logRetention'),
  reservedConcurrency: to('reservedConcurrentExecutions'),
  'vpc.securityGroupIds': to('securityGroups'),
};

/** Current names, by the last part of the old path. `existing` is missing, because two paths had it. */
export const NEW_NAMES: ReadonlyMap<string, string> = new Map(
  Object.entries(RENAMED).flatMap(([path, rename]) => {
    const name = rename('')?.[0];
    return name === undefined || path.endsWith('.existing') ? [] : [[path.split('.').at(-1) ?? path, name] as const];
  }),
);

/**
 * Returns the options under their current names, so that every rule applies, and a sentence for each old name.
 *
 * @param toPath formats the path of an option for a sentence
 */
export function replaceOldNames(options: Readonly<Record<string, unknown>>, toPath: (path: string) => string) {
  const current: Record<string, unknown> = { ...options };
  const sentences: string[] = [];
  for (const [path, rename] of Object.entries(RENAMED)) {
    const [outer = '', inner] = path.split('.');
    const { [inner ?? outer]: old, ...rest } = inner === undefined ? current : toObject(current[outer]);
    const renamed = old === undefined ? undefined : rename(old);
    if (renamed === undefined) continue;
    const [name, value] = renamed;
    const what = path === 'eventBus' ? `${toPath(path)} ${describe(old)}` : toPath(path);
    sentences.push(`${what} is now ${name}: ${describe(value)}.`);
    if (inner === undefined || Object.keys(rest).length === 0) delete current[outer];
    else current[outer] = rest;
    current[name] ??= value;
  }
  return { current, sentences };
}

function toObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
