/** Guards of telemetry: the lines of `sample` and of telemetry.jsonl. */

import * as z from 'zod';
import type { TelemetryGap, TelemetryHeader, TelemetryRecord } from './agent.ts';
import type {
  SamplingMethod,
  TelemetryEcc,
  TelemetryEnergy,
  TelemetryMark,
  TelemetryNotice,
  TelemetryPong,
  TelemetryPower,
  TelemetryProcesses,
} from './agentTelemetry.ts';
import { gpuProcess, probedGpu } from './probeGuard.ts';

const count = z.number().int().nonnegative();
const maybe = z.number().nullable();

const method: z.ZodType<SamplingMethod> = z.object({
  mode: z.enum(['live', 'study', 'quiet']),
  rung: z.enum(['nvml', 'nvidia-smi', 'amd-sysfs', 'recorded', 'none']),
  detail: z.string(),
  readings: z.array(
    z.object({
      name: z.string(),
      columns: z.array(z.string()),
      periodMs: z.number().nonnegative(),
      source: z.string(),
    }),
  ),
});

const header: z.ZodType<TelemetryHeader> = z.object({
  type: z.literal('telemetry-header'),
  schema: z.literal(1),
  source: z.string(),
  recorded: z.boolean(),
  hostname: z.string(),
  intervalMs: z.number().positive(),
  startedWallMs: z.number(),
  startedMonotonicMs: z.number(),
  gpus: z.array(probedGpu),
  gpuColumns: z.array(
    z.enum([
      'memoryUsedBytes',
      'utilizationPercent',
      'smActivePercent',
      'tensorActivePercent',
      'dramActivePercent',
      'powerWatts',
      'smClockMHz',
      'memoryClockMHz',
      'temperatureCelsius',
      'pcieTxBytesPerSecond',
      'pcieRxBytesPerSecond',
      'nvlinkTxBytesPerSecond',
      'nvlinkRxBytesPerSecond',
      'throttleReasons',
    ]),
  ),
  hostColumns: z.array(
    z.enum(['cpuPercent', 'memoryUsedBytes', 'networkTxBytesPerSecond', 'networkRxBytesPerSecond']),
  ),
  method: z.exactOptional(method),
});

const record: z.ZodType<TelemetryRecord> = z.object({
  type: z.literal('telemetry'),
  seq: count,
  monotonicMs: z.number(),
  wallMs: z.number(),
  gpus: z.array(z.array(maybe)),
  host: z.array(maybe),
  lateMs: z.exactOptional(z.number()),
});

const gap: z.ZodType<TelemetryGap> = z.object({
  type: z.literal('telemetry-gap'),
  fromMonotonicMs: z.number(),
  toMonotonicMs: z.number(),
  missedTicks: count,
  cause: z.string(),
});

const pong: z.ZodType<TelemetryPong> = z.object({
  type: z.literal('telemetry-pong'),
  ping: z.number(),
  receivedMonotonicMs: z.number(),
  sentMonotonicMs: z.number(),
  sentWallMs: z.number(),
});

const mark: z.ZodType<TelemetryMark> = z.object({
  type: z.literal('telemetry-mark'),
  monotonicMs: z.number(),
  text: z.string(),
});

const notice: z.ZodType<TelemetryNotice> = z.object({
  type: z.literal('telemetry-notice'),
  monotonicMs: z.number(),
  gpus: z.array(count),
  code: z.string(),
  message: z.string(),
});

const energy: z.ZodType<TelemetryEnergy> = z.object({
  type: z.literal('telemetry-energy'),
  monotonicMs: z.number(),
  gpu: count,
  counterJoules: z.number(),
  integratedJoules: maybe,
});

const power: z.ZodType<TelemetryPower> = z.object({
  type: z.literal('telemetry-power'),
  monotonicMs: z.number(),
  gpu: count,
  periodMs: z.number().nonnegative(),
  watts: z.array(z.number()),
});

const processes: z.ZodType<TelemetryProcesses> = z.object({
  type: z.literal('telemetry-processes'),
  monotonicMs: z.number(),
  gpu: count,
  processes: z.array(gpuProcess),
});

const ecc: z.ZodType<TelemetryEcc> = z.object({
  type: z.literal('telemetry-ecc'),
  monotonicMs: z.number(),
  gpu: count,
  uncorrectedErrors: count,
});

export const telemetryGuards = {
  'telemetry-header': header,
  telemetry: record,
  'telemetry-gap': gap,
  'telemetry-pong': pong,
  'telemetry-mark': mark,
  'telemetry-notice': notice,
  'telemetry-energy': energy,
  'telemetry-power': power,
  'telemetry-processes': processes,
  'telemetry-ecc': ecc,
};
