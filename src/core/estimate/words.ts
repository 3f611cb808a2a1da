import { GiB } from '../units.ts';

/** GiB with two decimals, the engine log's rounding, without the unit. */
export function gib(bytes: number): string {
  return (bytes / GiB).toFixed(2);
}

/** Thousands separated as the engine's log does it. Cheaper than a locale's formatter: estimates run at slider speed. */
export function grouped(value: number): string {
  const digits = Math.trunc(Math.abs(value)).toString();
  let text = '';
  for (let end = digits.length; end > 0; end -= 3) {
    text = digits.slice(Math.max(0, end - 3), end) + (text === '' ? '' : `,${text}`);
  }
  return value < 0 ? `-${text}` : text;
}
