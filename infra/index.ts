// biome-ignore-all lint/performance/noBarrelFile: the only entry point of the package.
export type { OutputOptions } from './output-options.ts';
export { TokenRefresh, type TokenRefreshProps } from './token-refresh.ts';
export { TokenRefreshFleet, type TokenRefreshFleetProps } from './token-refresh-fleet.ts';
