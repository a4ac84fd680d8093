// biome-ignore-all lint/performance/noBarrelFile: what the package exports, in its one entry.
export type { OutputOptions } from './output-options.ts';
export { TokenRefresh, type TokenRefreshProps } from './token-refresh.ts';
export { TokenRefreshFleet, type TokenRefreshFleetProps } from './token-refresh-fleet.ts';
