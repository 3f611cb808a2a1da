/** Predicted beside measured: terms of memory, speed. */
import type { Beside, MemoryBeside, SpeedBeside } from '../../src/core/sweep/cellResult.ts';
import type { CellResult } from '../../src/core/sweep/run.ts';
import { GiB } from '../../src/core/units.ts';
import type { Formatter } from '../common/format.ts';
import type { Column } from '../common/table.ts';

export interface BesideRow extends Beside {
  readonly name: string;
  readonly unit: string;
  readonly how: string;
}

const termWords: Readonly<Record<string, string>> = { 'available-kv': 'left for the KV cache' };

const speedTerms: readonly (readonly [keyof SpeedBeside, string, string, string])[] = [
  ['systemTokensPerSecond', 'system throughput', 'tok/s', 'mean of the trials'],
  ['ttftMs', 'TTFT', 'ms', 'mean of the trials'],
  ['tpotMs', 'TPOT', 'ms', 'mean of the trials'],
  ['kvTokens', 'KV cache', 'tokens', 'engine’s log'],
  ['startupSeconds', 'start-up', 's', 'journal of the run'],
];

/** Rows of what is known of both. */
export function besideRows({ memory = [], speed }: CellResult): readonly BesideRow[] {
  return [
    ...memory.map(memoryRow),
    ...speedTerms.flatMap(([term, name, unit, how]): BesideRow[] => {
      const found = speed?.[term];
      return found === undefined ? [] : [{ name, unit, how, ...found }];
    }),
  ];
}

function memoryRow({ term, predictedBytes, lowBytes, highBytes, measuredBytes }: MemoryBeside): BesideRow {
  return {
    name: termWords[term] ?? term.replaceAll('-', ' '),
    unit: 'GiB',
    how: 'engine’s log',
    predicted: predictedBytes / GiB,
    low: lowBytes / GiB,
    high: highBytes / GiB,
    measured: measuredBytes / GiB,
  };
}

/** By how much the prediction was off, as reports and docs/accuracy.md have it: predicted / measured - 1; null of nothing measured. */
export function miss({ predicted, measured }: BesideRow): number | null {
  return measured === 0 ? null : predicted / measured - 1;
}

export function isInBand({ low, high, measured }: BesideRow): boolean {
  return measured >= low && measured <= high;
}

export function besideColumns(format: () => Formatter): readonly Column<BesideRow>[] {
  const number = (id: string, label: string, of: (row: BesideRow) => number): Column<BesideRow> => ({
    id,
    label,
    numeric: true,
    cell: (row) => ({ text: format().significant(of(row)), sort: of(row), copy: String(of(row)) }),
  });
  return [
    { id: 'name', label: 'What', cell: ({ name, unit }) => ({ text: `${name}, ${unit}` }) },
    number('predicted', 'Predicted', ({ predicted }) => predicted),
    {
      id: 'band',
      label: 'Band',
      numeric: true,
      cell: ({ low, high }) =>
        low === high
          ? { text: '–', title: 'the estimate gives no band' }
          : { text: `${format().significant(low)} to ${format().significant(high)}` },
    },
    number('measured', 'Measured', ({ measured }) => measured),
    {
      id: 'miss',
      label: 'Error',
      numeric: true,
      cell: (row) => {
        const share = miss(row);
        if (share === null) return { text: '–', sort: null, copy: '' };
        const words = `${share < 0 ? '−' : '+'}${format().fixed(100 * Math.abs(share), 1)} %`;
        const inside = row.low === row.high ? '' : isInBand(row) ? ', in the band' : ', out of the band';
        return { text: `${words}${inside}`, sort: share, copy: String(share) };
      },
    },
    { id: 'how', label: 'How we know', cell: ({ how }) => ({ text: `${how}; formula` }) },
  ];
}
