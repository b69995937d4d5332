/** What the script of an exported page reads: the numbers of every token, short, because 20,000 of them stand in one file. */
export interface TokenPageData {
  /** One entry a token, in document order. */
  readonly rows: readonly TokenPageRow[];
  /** Tokens as people should see them; rows name them by index. */
  readonly names: readonly string[];
}

export type TokenPageRow =
  | readonly [
      name: number,
      contextTokens: number,
      surprisalBits: number,
      entropyBits: number,
      rank: number,
      /** Names of the most probable tokens, and their probabilities. */
      topNames: readonly number[],
      topProbabilities: readonly number[],
    ]
  /** A token without a score, and why. */
  | readonly [name: number, contextTokens: number, unscoredReason: string];
