import { GiB, KiB, MiB } from '../../src/core/units.ts';

/** Numbers for a person, in the editor's locale. Not known is said, never 0. */
export interface Formatter {
  /** Whole, thousands separated. */
  count(value: number): string;
  /** Three significant figures; whole from a thousand up. */
  significant(value: number): string;
  /** With its unit: `15.0 GiB`. */
  bytes(value: number): string;
  /** At most three significant figures, none of them a trailing zero: for axes. */
  tick(value: number): string;
  /** With so many decimals (0 to 6). */
  fixed(value: number, decimals: number): string;
  /** In GiB without the unit, for columns that name it. */
  gib(value: number): string;
  /** `48.2 ms`, `1.20 s`. */
  milliseconds(value: number): string;
  /** `2 min 05 s`. */
  duration(seconds: number): string;
  /** Date and time of day. */
  moment(wallMs: number): string;
  /** Time of day, to the second. */
  clock(wallMs: number): string;
}

export const unknownNumber = 'not known';

export function createFormatter(locale: string): Formatter {
  const known = Intl.NumberFormat.supportedLocalesOf([safeLocale(locale)])[0] ?? 'en-US';
  const whole = new Intl.NumberFormat(known, { maximumFractionDigits: 0 });
  const byDecimals = [0, 1, 2, 3, 4, 5, 6].map(
    (decimals) =>
      new Intl.NumberFormat(known, { minimumFractionDigits: decimals, maximumFractionDigits: decimals }),
  );
  const tick = new Intl.NumberFormat(known, { maximumSignificantDigits: 3 });
  const clock = new Intl.DateTimeFormat(known, {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hour12: false,
  });
  const moment = new Intl.DateTimeFormat(known, {
    dateStyle: 'medium',
    timeStyle: 'short',
    hourCycle: 'h23',
  });
  const significant = (value: number): string => {
    if (!Number.isFinite(value)) return unknownNumber;
    if (value === 0) return '0';
    const decimals = Math.min(6, Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value)))));
    return (byDecimals[decimals] ?? whole).format(value);
  };
  return {
    count: (value) => (Number.isFinite(value) ? whole.format(value) : unknownNumber),
    significant,
    bytes(value) {
      if (!Number.isFinite(value)) return unknownNumber;
      const [unit, name] =
        Math.abs(value) >= GiB ? [GiB, 'GiB'] : Math.abs(value) >= MiB ? [MiB, 'MiB'] : [KiB, 'KiB'];
      return `${significant(value / unit)} ${name}`;
    },
    tick: (value) => (Math.abs(value) >= 1000 ? whole : tick).format(value),
    fixed: (value, decimals) => (byDecimals[decimals] ?? whole).format(value),
    gib: (value) => significant(value / GiB),
    milliseconds: (value) =>
      Math.abs(value) >= 1000 ? `${significant(value / 1000)} s` : `${significant(value)} ms`,
    duration(seconds) {
      if (!Number.isFinite(seconds)) return unknownNumber;
      const rounded = Math.round(seconds);
      const [hours, minutes] = [Math.floor(rounded / 3600), Math.floor((rounded % 3600) / 60)];
      if (hours > 0) return `${hours} h ${minutes} min`;
      if (minutes > 0) return `${minutes} min ${String(rounded % 60).padStart(2, '0')} s`;
      return `${rounded} s`;
    },
    moment: (wallMs) => (Number.isFinite(wallMs) ? moment.format(wallMs) : unknownNumber),
    clock: (wallMs) => (Number.isFinite(wallMs) ? clock.format(wallMs) : unknownNumber),
  };
}

function safeLocale(locale: string): string {
  try {
    return Intl.getCanonicalLocales(locale)[0] ?? 'en-US';
  } catch {
    return 'en-US';
  }
}
