/** Does nothing: what Node itself costs. */
export async function handler(): Promise<{ outcome: string }> {
  return { outcome: 'empty' };
}
