/** Options of `addOutputs` of a construct. */
export interface OutputOptions {
  /**
   * Prefix of every output, of letters and digits. Two constructs in one stack need different ones.
   * @default - none
   */
  readonly prefix?: string;
}
