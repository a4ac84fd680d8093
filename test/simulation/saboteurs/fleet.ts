import type { Saboteur } from '../sabotage.ts';

/** Mistakes that no simulation of one secret can see: named tests catch them. */
export const FLEET_SABOTEURS: readonly Saboteur[] = [
  {
    mistake: 'sweeps, and waits only for the last read of each lane',
    patches: [
      {
        file: 'fleet/sweep-secrets.ts',
        find: '  const work = async () => {',
        replace: '  const work = async () => {\n    let last: unknown;',
      },
      { file: 'fleet/sweep-secrets.ts', find: 'await act(item);', replace: 'last = act(item);\n    await last;' },
    ],
    caughtBy: {
      file: 'fleet/sweep-secrets.test.ts',
      test: 'waits for each of its reads, and not only for the last one',
    },
  },
];
