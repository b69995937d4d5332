/** What an edit does to the bits: of the text it replaces, and of the text that follows. */
export interface EditPreview {
  readonly before: PassageBits;
  readonly after: PassageBits;
  /** Tokens that follow the edit in both texts. */
  readonly followingTokens: number;
}

export interface PassageBits {
  /** Of what is replaced, or put in its place. */
  readonly hereBits: number;
  readonly followingBits: number;
}

/** Rows of one text: the first `replacedTokens` are of the edit, the others follow it. Bits are NaN where there is no score. */
interface Passage {
  readonly surprisalBits: Float64Array;
  readonly replacedTokens: number;
}

/** Unscored tokens (the first of a text without a start token) count nothing. */
export function editPreview(before: Passage, after: Passage): EditPreview {
  return { before: bitsOf(before), after: bitsOf(after), followingTokens: after.surprisalBits.length - after.replacedTokens };
}

function bitsOf({ surprisalBits, replacedTokens }: Passage): PassageBits {
  const sum = (bits: Float64Array) => bits.reduce((total, value) => total + (Number.isNaN(value) ? 0 : value), 0);
  return { hereBits: sum(surprisalBits.subarray(0, replacedTokens)), followingBits: sum(surprisalBits.subarray(replacedTokens)) };
}
