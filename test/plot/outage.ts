import type { Outage } from './live-a-day.ts';

/** It begins before a token is due and ends after two hours in which it is. */
export const OUTAGE: Outage = { fromMinute: 8 * 60 + 30, toMinute: 11 * 60 };

export const PLOT = new URL('../../docs/bearer-token.svg', import.meta.url);
