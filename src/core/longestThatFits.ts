/** The largest whole number up to `limit` that fits, 0 where not even 1 does. What fits has all below it fit. */
export function longestThatFits(limit: number, fits: (length: number) => boolean): number {
  if (fits(limit)) return limit;
  if (!fits(1)) return 0;
  let longest = 1;
  let tooLong = limit;
  while (tooLong - longest > 1) {
    const middle = Math.floor((longest + tooLong) / 2);
    if (fits(middle)) longest = middle;
    else tooLong = middle;
  }
  return longest;
}
