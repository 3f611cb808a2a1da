/** Places of ticks that chart.js has none of its own for. Values of the axis, ascending. */

const seconds = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400];

/** Round times of day (epoch milliseconds), at most `most` of them. */
export function timeTicks(min: number, max: number, most: number): number[] {
  const step = (seconds.find((length) => (max - min) / (length * 1000) <= most) ?? 86_400) * 1000;
  return multiples(min, max, step);
}

/** Powers of two, thinned evenly to at most `most`: tokens, requests and batches grow so. */
export function logarithmicTicks(min: number, max: number, most: number): number[] {
  if (!(min > 0) || !(max > min)) return [];
  const [low, high] = [Math.ceil(Math.log2(min) - 1e-9), Math.floor(Math.log2(max) + 1e-9)];
  const step = Math.max(1, Math.ceil((high - low + 1) / most));
  return Array.from(
    { length: Math.max(0, Math.floor((high - low) / step) + 1) },
    (_, i) => 2 ** (low + i * step),
  );
}

/** Of the values, ascending, those that stand at least this share of the axis apart, the first and the last among them. */
export function spacedTicks(
  values: readonly number[],
  axis: { readonly min: number; readonly max: number; readonly logarithmic: boolean },
  least: number,
): number[] {
  const place = (value: number) => (axis.logarithmic ? Math.log(value) : value);
  const [low, high] = [place(axis.min), place(axis.max)];
  const shown: number[] = [];
  const isApart = (value: number, from: number | undefined) =>
    from === undefined || (place(value) - place(from)) / (high - low) >= least;
  for (const value of values) if (isApart(value, shown.at(-1))) shown.push(value);
  const last = values.at(-1);
  if (last === undefined || shown.at(-1) === last) return shown;
  while (shown.length > 1 && !isApart(last, shown.at(-1))) shown.pop();
  return isApart(last, shown.at(-1)) ? [...shown, last] : shown;
}

function multiples(min: number, max: number, step: number): number[] {
  const first = Math.ceil(min / step);
  return Array.from(
    { length: Math.max(0, Math.floor(max / step) - first + 1) },
    (_, i) => (first + i) * step,
  );
}
