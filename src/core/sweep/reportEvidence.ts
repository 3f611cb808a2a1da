/** What stands behind the figures: why each cell is as fast as it is, what it used, and what had been predicted. */
import { formatBytes } from '../units.ts';
import type { Beside, SpeedBeside } from './cellResult.ts';
import { isSameFlag } from './memoryBesideMeasured.ts';
import { figure, none } from './reportFigures.ts';
import type { Table, TableColumn } from './reportTable.ts';
import type { CellResult, RunResults } from './run.ts';

const text = (title: string): TableColumn => ({ title, unit: '', numeric: false });
const number = (title: string, unit = ''): TableColumn => ({ title, unit, numeric: true });

export const boundWords: Readonly<Record<NonNullable<CellResult['why']>['bound'], string>> = {
  compute: 'compute (tensor cores)',
  hbm: 'GPU memory',
  pcie: 'PCIe',
  nvlink: 'NVLink',
  host: 'host (CPU)',
  kv: 'KV cache',
  client: 'load generator',
  throttled: 'GPU slowed down',
  unknown: 'not known',
};

/** Those that have something to say. */
export function evidenceTables(
  results: RunResults,
): readonly { readonly title: string; readonly caption: string; readonly table: Table }[] {
  const tables = [
    {
      title: 'Why so fast and no faster',
      caption: 'What sets the pace of each cell, and what shows it',
      table: whyTable(results),
    },
    {
      title: 'Predicted beside measured',
      caption:
        "The estimate before the run, and what was measured: flags and memory by the engine's log, speed by the trials",
      table: besideTable(results),
    },
    {
      title: 'Power and activity',
      caption:
        'Over the measuring windows: power of all GPUs together, shares as means, memory and KV cache at most',
      table: telemetryTable(results),
    },
  ];
  return tables.flatMap(({ title, caption, table }) => (table === null ? [] : [{ title, caption, table }]));
}

/** Null where nothing is known of any cell. */
function whyTable({ cells }: RunResults): Table | null {
  const rows = cells.flatMap(({ label, why }) =>
    why === undefined ? [] : [[label, boundWords[why.bound], why.evidence.join(' ')]],
  );
  return rows.length === 0 ? null : { columns: [text('cell'), text('bound by'), text('evidence')], rows };
}

/** Means over the measuring windows. Null where no cell was sampled. */
function telemetryTable({ cells }: RunResults): Table | null {
  const sampled = cells.flatMap(({ label, telemetry, engineMetrics }) =>
    telemetry === undefined && engineMetrics === undefined ? [] : [{ label, telemetry, engineMetrics }],
  );
  if (sampled.length === 0) return null;
  const percent = (share: number | undefined) => (share === undefined ? none : figure(100 * share));
  const plain = (value: number | undefined, scale = 1) =>
    value === undefined ? none : figure(value / scale);
  const columns = [
    text('cell'),
    number('power', 'W'),
    number('energy', 'J'),
    number('a token', 'J'),
    number('SM', '%'),
    number('tensor', '%'),
    number('DRAM', '%'),
    number('GPU memory', ''),
    number('PCIe TX/RX', 'MB/s'),
    number('NVLink TX/RX', 'MB/s'),
    number('host CPU', '%'),
    number('KV used', '%'),
    number('preemptions', ''),
    text('slowed down'),
  ];
  const rows = sampled.map(({ label, telemetry: gpu, engineMetrics: engine }) => [
    label,
    plain(gpu?.meanWatts),
    plain(gpu?.energyJoules),
    plain(gpu?.joulesPerOutputToken),
    percent(gpu?.smActive),
    percent(gpu?.tensorActive),
    percent(gpu?.dramActive),
    gpu?.memoryUsedBytes === undefined ? none : formatBytes(gpu.memoryUsedBytes),
    pair(gpu?.pcieTxBytesPerSecond, gpu?.pcieRxBytesPerSecond),
    pair(gpu?.nvlinkTxBytesPerSecond, gpu?.nvlinkRxBytesPerSecond),
    percent(gpu?.hostCpu),
    percent(engine?.kvUsageMost),
    plain(engine?.preemptions),
    slowedWords(gpu?.throttled),
  ]);
  return withoutEmptyColumns({ columns, rows });
}

function pair(tx: number | undefined, rx: number | undefined): string {
  return tx === undefined && rx === undefined
    ? none
    : [tx, rx].map((bytes) => (bytes === undefined ? none : figure(bytes / 1e6))).join(' / ');
}

function slowedWords(throttled: Readonly<Record<string, number>> | undefined): string {
  if (throttled === undefined) return none;
  const words = Object.entries(throttled).map(([reason, share]) => `${reason} ${figure(100 * share)} %`);
  return words.length === 0 ? 'no' : words.join(', ');
}

/** What no cell has takes no room. */
function withoutEmptyColumns({ columns, rows }: Table): Table {
  const kept = columns.map((_, at) => at === 0 || rows.some((row) => row[at] !== none));
  const filter = <T>(values: readonly T[]) => values.filter((_, at) => kept[at]);
  return { columns: filter(columns), rows: rows.map(filter) };
}

const speedRows: readonly (readonly [keyof SpeedBeside, string, string])[] = [
  ['kvTokens', 'KV cache', 'tokens'],
  ['startupSeconds', 'start-up', 's'],
  ['ttftMs', 'TTFT, mean', 'ms'],
  ['tpotMs', 'TPOT, mean', 'ms'],
  ['systemTokensPerSecond', 'system', 'tokens/s'],
];

/** The estimate before the run beside what was measured. Of an engine start once, with its first cell. Null where nothing is known. */
function besideTable({ cells }: RunResults): Table | null {
  const seen = new Set<string>();
  const rows = cells.flatMap((cell) => {
    const memory = (cell.memory ?? []).map(
      ({ term, predictedBytes, lowBytes, highBytes, measuredBytes }) => ({
        key: `${term} ${measuredBytes}`,
        row: besideRow(
          term,
          { predicted: predictedBytes, low: lowBytes, high: highBytes, measured: measuredBytes },
          formatBytes,
        ),
      }),
    );
    const speed = speedRows.flatMap(([name, title, unit]) => {
      const beside = cell.speed?.[name];
      if (beside === undefined) return [];
      const perEngine = name === 'kvTokens' || name === 'startupSeconds';
      return [
        {
          key: perEngine ? `${name} ${beside.measured}` : `${name} ${cell.cell}`,
          row: besideRow(title, beside, (value) => `${figure(value)} ${unit}`),
        },
      ];
    });
    const flags = (cell.resolved ?? []).map((beside) => {
      const { flag, predicted, logged } = beside;
      const same = isSameFlag(beside) ? 'yes' : 'no';
      return {
        key: `${flag} ${String(logged)}`,
        row: [flag, String(predicted), none, String(logged), none, same],
      };
    });
    const fresh = [...flags, ...memory, ...speed].filter(({ key }) => !seen.has(key));
    for (const { key } of fresh) seen.add(key);
    return fresh.map(({ row }, at) => [at === 0 ? cell.label : '', ...row]);
  });
  if (rows.length === 0) return null;
  return {
    columns: [
      text('cell'),
      text('figure'),
      number('predicted'),
      number('band'),
      number('measured'),
      number('error'),
      text('in band'),
    ],
    rows,
  };
}

function besideRow(
  name: string,
  { predicted, low, high, measured }: Beside,
  words: (value: number) => string,
): string[] {
  const error =
    measured === 0
      ? none
      : `${predicted >= measured ? '+' : '−'}${figure(Math.abs(100 * (predicted / measured - 1)))} %`;
  const band = low === high ? none : `${words(low)} to ${words(high)}`;
  return [
    name,
    words(predicted),
    band,
    words(measured),
    error,
    low === high ? none : measured >= low && measured <= high ? 'yes' : 'no',
  ];
}
