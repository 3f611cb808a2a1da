import { describe, expect, it } from 'vitest';
import { TelemetryCsv, telemetryCsv } from '../../../src/protocol/telemetryCsv.ts';
import { TelemetryJoin } from '../../../src/protocol/telemetryJoin.ts';
import { readRecording, recordingLine, recordingName } from '../../../src/protocol/telemetryRecording.ts';
import { startedWallMs, telemetryHeader, telemetryLines } from '../../webview/examples.ts';

const from = { host: 'gpu-01', clockOffsetMs: 40, clockErrorMs: 1.5 };
const lines = [telemetryHeader(2), ...telemetryLines(2, 0, 10)];
const text = lines.map((line) => `${recordingLine(line, from)}\n`).join('');

describe('a recording', () => {
  it('gives back its lines and what was known of the clock', () => {
    expect(readRecording(text)).toEqual({ from, lines, notes: [] });
  });

  it('loses no more than a torn last line, wherever it was cut', () => {
    for (let cut = text.length - 1; cut > text.length - 400; cut--) {
      const { lines: read, notes } = readRecording(text.slice(0, cut));
      const whole = text.slice(0, cut).split('\n').length - 1;
      expect(read.length).toBeGreaterThanOrEqual(whole);
      expect(read).toEqual(lines.slice(0, read.length));
      expect(notes.length).toBe(read.length === whole && text[cut - 1] !== '\n' ? 1 : 0);
    }
  });

  it('says lines that are no telemetry, and a file that is no recording', () => {
    expect(readRecording(text.replace('\n', '\nnonsense\n')).notes).toEqual([
      '1 line is no telemetry and left out.',
    ]);
    expect(readRecording('{"a":1}\n').notes.at(-1)).toBe(
      'There is no header: this is no recording of telemetry.',
    );
    expect(readRecording('').lines).toEqual([]);
  });

  it('is the agent’s own file too, named after the host that it ran on', () => {
    const plain = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    expect(readRecording(plain).from).toEqual({ host: 'gpu-01', clockOffsetMs: null, clockErrorMs: null });
  });

  it('has a name that every file system takes', () => {
    expect(recordingName('me@gpu.example:2222', startedWallMs)).toBe(
      '2026-11-23T12-00-00Z-me-gpu.example-2222.jsonl',
    );
    expect(recordingName('../..', startedWallMs)).toBe('2026-11-23T12-00-00Z-host.jsonl');
  });
});

describe('streams of one host, one after the other', () => {
  it('are joined by a gap with the cause, on the clock of the first', () => {
    const join = new TelemetryJoin();
    for (const line of lines) expect(join.take(line)).toEqual([line]);
    join.broken('the connection was lost');
    const next = telemetryHeader(2, { startedWallMs: startedWallMs + 61_800, startedMonotonicMs: 7 });
    expect(join.take(next)).toEqual([
      {
        type: 'telemetry-gap',
        fromMonotonicMs: 5000 + 1800,
        toMonotonicMs: 5000 + 61_800,
        missedTicks: 300,
        cause: 'the connection was lost',
      },
      next,
    ]);
  });

  it('have no gap where the host’s clock was set back meanwhile', () => {
    const join = new TelemetryJoin();
    for (const line of lines) join.take(line);
    const next = telemetryHeader(2, { startedWallMs: startedWallMs - 1 });
    expect(join.take(next)).toEqual([next]);
  });
});

describe('telemetry as CSV', () => {
  const cells = (row: string | undefined) => (row ?? '').split(',');

  it('has a row a GPU and tick, in the client’s time, with exact values', () => {
    const csv = new TelemetryCsv('gpu-01', 40);
    expect(csv.head).toBeUndefined();
    const rows = lines.flatMap((line) => csv.take(line));
    expect(rows).toHaveLength(20);
    const names = cells(csv.head);
    expect(names.slice(0, 6)).toEqual(['time', 'host', 'gpu', 'name', 'source', 'memoryUsedBytes']);
    for (const row of rows) expect(cells(row)).toHaveLength(names.length);
    expect(cells(rows[3]).slice(0, 5)).toEqual([
      '2026-11-23T12:00:00.240Z',
      'gpu-01',
      '1',
      'NVIDIA H200',
      'recorded:h200-static-batch',
    ]);
    const [, , second] = lines;
    if (second?.type !== 'telemetry') throw new Error('no record');
    expect(Number(cells(rows[2])[5])).toBe(second.gpus[0]?.[0]);
  });

  it('leaves empty what is not known, and says gaps with their cause', () => {
    const csv = new TelemetryCsv('gpu-01', null);
    const [record] = telemetryLines(1, 0, 1);
    if (record?.type !== 'telemetry') throw new Error('no record');
    csv.take(telemetryHeader(1));
    const [row] = csv.take({ ...record, gpus: [[null, 5]] });
    expect(cells(row).slice(5, 8)).toEqual(['', '5', '']);
    const [gap] = telemetryLines(1, 500, 501);
    expect(gap && csv.take(gap)[0]).toMatch(
      /^[^,]+,gpu-01,,,recorded:h200-static-batch,+"8\.2 s, 40 samples missed: driver busy"$/,
    );
  });

  it('has what is of the host itself in each row, and a row a tick where there is no GPU', () => {
    const host = { hostColumns: ['cpuPercent', 'memoryUsedBytes'] } as const;
    const [record] = telemetryLines(2, 0, 1);
    if (record?.type !== 'telemetry') throw new Error('no record');
    const csv = new TelemetryCsv('gpu-01', null);
    csv.take(telemetryHeader(2, host));
    const rows = csv.take({ ...record, host: [12.5, null] });
    expect(cells(csv.head).slice(-3)).toEqual(['hostCpuPercent', 'hostMemoryUsedBytes', 'gap']);
    expect(rows.map((row) => cells(row).slice(-3))).toEqual([
      ['12.5', '', ''],
      ['12.5', '', ''],
    ]);
    const bare = new TelemetryCsv('login', null);
    bare.take(telemetryHeader(0, host));
    const [row] = bare.take({ ...record, gpus: [], host: [3, 4e9] });
    expect(cells(row)).toHaveLength(cells(bare.head).length);
    expect(cells(row).slice(1, 4)).toEqual(['login', '', '']);
    expect(cells(row).slice(-3)).toEqual(['3', '4000000000', '']);
  });

  it('puts several hosts into one table, over the columns that any of them has', () => {
    const other = telemetryHeader(1, { gpuColumns: ['powerWatts', 'smClockMHz'] });
    const table = telemetryCsv([
      { host: 'a', clockOffsetMs: null, lines: [telemetryHeader(1, { gpuColumns: ['memoryUsedBytes'] })] },
      { host: 'b', clockOffsetMs: null, lines: [other, ...telemetryLines(1, 0, 2)] },
    ]);
    const rows = table.trimEnd().split('\r\n');
    expect(rows[0]).toBe('time,host,gpu,name,source,memoryUsedBytes,powerWatts,smClockMHz,gap');
    expect(rows).toHaveLength(3);
    expect(cells(rows[1])[5]).toBe('');
    expect(telemetryCsv([])).toBe('');
  });
});
