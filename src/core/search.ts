/** The first index below `end` of which something holds that holds of all after it, too; `end`: it holds of none. */
export function firstWhere(end: number, holds: (index: number) => boolean, from = 0): number {
  let low = from;
  let high = end;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
