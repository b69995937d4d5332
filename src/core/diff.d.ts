/** The one part of the package `diff` that is used; it brings no types of its own. */
declare module 'diff' {
  export interface ArrayPart {
    readonly count?: number;
    readonly added?: boolean;
    readonly removed?: boolean;
  }
  /**
   * Tells the parts in order, after a turn of the event loop for each further difference that it had to allow; nothing where there are more than
   * `maxEditLength` differences.
   */
  export function diffArrays(
    original: string[],
    modified: string[],
    options: { readonly maxEditLength: number; readonly callback: (parts: readonly ArrayPart[] | undefined) => void },
  ): void;
  /** The same at once. */
  export function diffArrays(
    original: string[],
    modified: string[],
    options: { readonly maxEditLength: number },
  ): readonly ArrayPart[] | undefined;
}
