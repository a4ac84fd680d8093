/** Options of `addOutputs` of a construct. */
export interface OutputOptions {
  /**
   * Prefix of every output: letters and digits. Two constructs in one stack need different prefixes.
   * @default - none
   */
  readonly prefix?: string;
}
