import { findDevice } from '../../src/core/device/catalogue.ts';
import { estimate } from '../../src/core/estimate/estimate.ts';
import type { EstimateRequest } from '../../src/core/estimate/types.ts';
import { knownModel } from '../../src/core/model/known.ts';

/** Estimates per second of one core for a parsed dense model, over requests that all differ. */
export function benchEstimates(): { readonly estimatesPerCpuSecond: number; readonly count: number } {
  const model = knownModel('meta-llama/Llama-3.1-8B-Instruct');
  const device = findDevice('h200-sxm-141gb');
  if (!model || !device) throw new Error('the catalogue lacks what the bench estimates');
  const request = (step: number): EstimateRequest => ({
    source: 'bench',
    model,
    device,
    gpuCount: 1,
    deployment: {
      engine: 'vllm',
      entrypoint: 'serve',
      flags: { 'max-model-len': 1024 + (step % 30_000), 'gpu-memory-utilization': 0.5 + (step % 40) / 100 },
    },
  });
  for (let step = 0; step < 20_000; step++) estimate(request(step));
  const started = process.cpuUsage();
  const count = 20_000;
  let tokens = 0;
  for (let step = 0; step < count; step++) tokens += estimate(request(step)).kv.tokens;
  const used = process.cpuUsage(started);
  if (!(tokens > 0)) throw new Error('the estimates are empty');
  return { estimatesPerCpuSecond: count / ((used.user + used.system) / 1e6), count };
}
