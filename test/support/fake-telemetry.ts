import type { LogMembers, Telemetry, TokenStates } from '../../lambda/core/ports.ts';

interface Line {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly members: LogMembers | undefined;
}

/** States of a run that saw no access token. */
export const NO_TOKEN = { tokenSecondsRemaining: 0, tokenSecondsUntilDue: 0 };

/** Records everything that it receives, in order. */
export class FakeTelemetry implements Telemetry {
  readonly lines: Line[] = [];
  readonly states: TokenStates[] = [];
  noted: LogMembers = {};
  readonly counts: string[] = [];
  readonly exchangeMilliseconds: number[] = [];

  info(message: string, members?: LogMembers): void {
    this.lines.push({ level: 'info', message, members });
  }

  warn(message: string, members?: LogMembers): void {
    this.lines.push({ level: 'warn', message, members });
  }

  error(message: string, members?: LogMembers): void {
    this.lines.push({ level: 'error', message, members });
  }

  note(members: LogMembers): void {
    this.noted = { ...this.noted, ...members };
  }

  recordStates(states: TokenStates): void {
    this.states.push(states);
  }

  countRefreshed(): void {
    this.counts.push('refreshed');
  }

  countFailed(code: string): void {
    this.counts.push(`failed ${code}`);
  }

  countTokenNotStored(): void {
    this.counts.push('token not stored');
  }

  countClaimTakenOver(): void {
    this.counts.push('claim taken over');
  }

  recordExchangeMilliseconds(milliseconds: number): void {
    this.exchangeMilliseconds.push(milliseconds);
  }
}
