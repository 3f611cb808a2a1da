/** Binary and decimal byte units. Engines print GiB (2^30) as "GiB"; vendors sell GB (10^9). */
export const KiB = 1024;
export const MiB = 1024 * KiB;
export const GiB = 1024 * MiB;
export const MB = 1_000_000;
export const GB = 1_000_000_000;
export const TB = 1_000_000_000_000;

/** Bytes as vLLM's log prints them: `round(bytes / 2^30, 2)` with the unit left out. */
export function gibAsLogged(bytes: number): string {
  return (Math.round((bytes / GiB) * 100) / 100).toFixed(2);
}

/** Bytes for a person: three significant figures and the unit. Not known is said, never 0. */
export function formatBytes(bytes: number | undefined): string {
  if (bytes === undefined || !Number.isFinite(bytes)) return 'not known';
  const [unit, name] =
    Math.abs(bytes) >= GiB ? [GiB, 'GiB'] : Math.abs(bytes) >= MiB ? [MiB, 'MiB'] : [KiB, 'KiB'];
  return `${formatSignificant(bytes / unit)} ${name}`;
}

/** Three significant figures, never in exponent form, trailing zeros kept only where they are significant. */
export function formatSignificant(value: number, digits = 3): string {
  if (!Number.isFinite(value)) return 'not known';
  if (value === 0) return '0';
  // Of the rounded value: 0.9996 is 1.00, with three digits as the others.
  const rounded = Math.abs(Number(value.toPrecision(digits)));
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(rounded)));
  return value.toFixed(Math.min(decimals, 10));
}

const countFormats = new Map<string, Intl.NumberFormat>();

/** A whole number with thousands separated, in the given locale (default: the runtime's English form). */
export function formatCount(value: number, locale = 'en-US'): string {
  let format = countFormats.get(locale);
  if (format === undefined) {
    // Making a format costs a hundred times what using one does.
    format = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
    countFormats.set(locale, format);
  }
  return format.format(value);
}
