/** NVML's clocks-event-reason bits that slow a GPU down. Idling and clocks that were asked for do not count. */
export const slowingReasons: readonly (readonly [bit: number, words: string])[] = [
  [0x04, 'power cap'],
  [0x08, 'hardware slowdown'],
  [0x10, 'sync boost'],
  [0x20, 'heat (software)'],
  [0x40, 'heat (hardware)'],
  [0x80, 'power brake'],
];

/** Why the GPU runs slower than it could; empty where it does not. null: not known. */
export function throttleWords(bits: number | null): readonly string[] | null {
  if (bits === null || !Number.isFinite(bits)) return null;
  return slowingReasons.filter(([bit]) => (bits & bit) !== 0).map(([, words]) => words);
}
