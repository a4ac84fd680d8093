import { ENVIRONMENT, LEASE_OVER_TIMEOUT_SECONDS } from '../../lambda/contract.ts';
import type { TokenRefreshSettings } from '../options/schema.ts';
import type { EventDestination } from './event-destination.ts';

/** Returns the environment variables of a function that refreshes, for one account or for a fleet. */
export function refreshEnvironment(
  settings: Pick<TokenRefreshSettings, 'tokenEndpoint' | 'tokenLifetime' | 'timeout' | 'interval' | 'flexibleWindow'>,
  { eventBusName }: EventDestination,
): Readonly<Record<string, string>> {
  return {
    [ENVIRONMENT.tokenEndpoint]: settings.tokenEndpoint,
    [ENVIRONMENT.eventBusName]: eventBusName,
    [ENVIRONMENT.defaultTokenLifetimeSeconds]: String(settings.tokenLifetime.toSeconds()),
    [ENVIRONMENT.scheduleSeconds]: String(settings.interval.plus(settings.flexibleWindow).toSeconds()),
    [ENVIRONMENT.leaseSeconds]: String(settings.timeout.toSeconds() + LEASE_OVER_TIMEOUT_SECONDS),
  };
}
