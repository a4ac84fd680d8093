/** Returns an instant in milliseconds since the epoch as RFC 3339, UTC. */
export function toRfc3339(ms: number): string {
  return new Date(ms).toISOString();
}

/** Returns milliseconds since the epoch; `NaN` if there is no instant, or none that makes sense. */
export function parseRfc3339(instant: string | undefined): number {
  return instant === undefined ? Number.NaN : Date.parse(instant);
}
