import { allDevices } from '../../src/core/device/catalogue.ts';
import { estimate } from '../../src/core/estimate/estimate.ts';
import type { EstimateRequest } from '../../src/core/estimate/types.ts';
import { knownModel } from '../../src/core/model/known.ts';
import { listPrices } from '../../src/core/rank/prices.ts';
import { rank } from '../../src/core/rank/rank.ts';
import type { RankRequest } from '../../src/core/rank/types.ts';

/** The whole catalogue ranked with one number of GPUs, as the calculator does at a keystroke; and that as a count of estimates. */
export function benchRanking(): {
  readonly devices: number;
  readonly catalogueMs: number;
  readonly estimates: number;
} {
  const model = knownModel('meta-llama/Llama-3.1-8B-Instruct');
  const devices = allDevices();
  const [device] = devices;
  if (!model || !device) throw new Error('the catalogue lacks what the bench ranks');
  const deployment = { engine: 'vllm', entrypoint: 'serve', flags: { 'max-model-len': 8192 } } as const;
  const rankRequest = (step: number): RankRequest => ({
    deployment,
    model,
    load: { inputTokens: 1024 + step, outputTokens: 256, requestsPerSecond: 10 },
    serviceLevel: { tpotMs: 40 },
    devices,
    instances: [],
    prices: listPrices,
    gpuCounts: [1],
  });
  const request = (step: number): EstimateRequest => ({
    source: 'bench',
    model,
    device,
    gpuCount: 1,
    deployment,
    load: { batch: 8, inputTokens: 1024 + step, outputTokens: 256 },
  });
  const cpuMs = (times: number, work: (step: number) => void): number => {
    for (let step = 0; step < times; step++) work(step);
    const started = process.cpuUsage();
    for (let step = 0; step < times; step++) work(step);
    const used = process.cpuUsage(started);
    return (used.user + used.system) / 1000 / times;
  };
  const catalogueMs = cpuMs(40, (step) => {
    if (rank(rankRequest(step)).rows.length === 0) throw new Error('the ranking is empty');
  });
  const estimateMs = cpuMs(5_000, (step) => {
    if (estimate(request(step), { fixes: false }).kv.tokens === 0) throw new Error('the estimate is empty');
  });
  return { devices: devices.length, catalogueMs, estimates: catalogueMs / estimateMs };
}
