import type { Saboteur } from './sabotage.ts';
import { ANSWER_SABOTEURS } from './saboteurs/answers.ts';
import { FLEET_SABOTEURS } from './saboteurs/fleet.ts';
import { JOURNAL_SABOTEURS } from './saboteurs/journal.ts';
import { PACE_SABOTEURS } from './saboteurs/pace.ts';
import { TOKEN_SECRET_SABOTEURS } from './saboteurs/token-secret.ts';

/** The protocol with one mistake each. Tests that do not catch every one of them prove nothing. */
export const SABOTEURS: readonly Saboteur[] = [
  ...JOURNAL_SABOTEURS,
  ...ANSWER_SABOTEURS,
  ...PACE_SABOTEURS,
  ...TOKEN_SECRET_SABOTEURS,
  ...FLEET_SABOTEURS,
];
