/** Secrets of the fleet on real processes: few in `npm test`, 300 in `npm run test:long`. */
export const FLEET_SECRETS = Number(process.env['FLEET_SECRETS'] ?? 30);
