import type { SpeedEfficiency } from './efficiency.ts';
import { type GpuGeneration, gpuGeneration } from './generation.ts';
import type { SpeedInput } from './speedInput.ts';

/** What no GPU changes: the host's part, and links. NVLink: a recorded all-reduce of NCCL (bandwidth) and TP 2 to 8 of published rows (fixed cost). PCIe: a guess. */
const vllmHost = {
  stepMs: 0.25,
  sequenceMs: 0.006,
  syncSequenceMs: 0.045,
  eagerLayerMs: 0.55,
  requestMs: 2,
  links: {
    fabric: { fixedMs: 0.006, doublingMs: 0.003, bandwidth: 0.64 },
    pcie: { fixedMs: 0.015, doublingMs: 0.01, bandwidth: 0.7 },
  },
} as const;

/**
 * Fitted to the recorded starts of Llama-3.1-8B on an H100 and an H200 (batch 1 to 256, 512 and 4,096 tokens; decode within 9 %,
 * prefill of several prompts within 5 %) and of Qwen3-30B-A3B on the H100 (decode within 5 %). Two GPUs with the same cores and
 * different memory tell bandwidth and gaps apart: 15.0 GB take 6.47 and 4.91 ms, so 87 % and 1.3 ms.
 * Synchronous scheduling and 8-bit experts: the rows `fit` of Hopper in test/fixtures/speed/public.jsonl.
 */
const vllmHopper: SpeedEfficiency = {
  ...vllmHost,
  bandwidth: 0.87,
  kvBandwidth: 0.85,
  compute: 0.635,
  expertCompute: 0.3,
  narrowCompute: 0.8,
  layerMs: 0.034,
  expertLayerMs: 0.018,
  fp8ExpertLayerMs: 0.025,
  evidence: 'recorded',
  relativeBand: 0.15,
  source:
    'roofline; efficiencies fitted to vLLM 0.26.0 on one H100 and one H200 (Llama-3.1-8B, Qwen3-30B-A3B)',
};

/** Hopper's shares. They hold for the published rows of B200 and B300 within the band, so nothing was bent. */
const vllmBlackwell: SpeedEfficiency = {
  ...vllmHopper,
  evidence: 'fitted',
  relativeBand: 0.25,
  source: "roofline; Hopper's efficiencies, checked on published rows of B200 and B300 (vLLM 0.15 to 0.19)",
};

/** A10G, RTX A6000 and A100 40 GB, models of 7 to 8 billion parameters: the rows `fit` of Ampere. Prefill reaches more of these smaller peaks. */
const vllmAmpere: SpeedEfficiency = {
  ...vllmHopper,
  compute: 0.8,
  evidence: 'fitted',
  relativeBand: 0.25,
  source: 'roofline; efficiencies fitted to published rows of A10G, RTX A6000 and A100 (vLLM 0.4 to 0.23)',
};

/** RTX 4090 alone, models of 1.5 to 8 billion parameters: the rows `fit` of Ada. */
const vllmAda: SpeedEfficiency = {
  ...vllmHopper,
  bandwidth: 0.92,
  compute: 0.55,
  layerMs: 0.04,
  evidence: 'fitted',
  relativeBand: 0.25,
  source: 'roofline; efficiencies fitted to published rows of the RTX 4090 (vLLM 0.13 and others)',
};

/** One published row (Qwen3-8B, 32 at once) sets the level; how it divides into its parts is a guess. */
const vllmCdna3: SpeedEfficiency = {
  ...vllmHopper,
  bandwidth: 0.65,
  kvBandwidth: 0.55,
  compute: 0.4,
  expertCompute: 0.2,
  layerMs: 0.05,
  evidence: 'assumed',
  relativeBand: 0.4,
  source: 'roofline; one published row of the MI300X sets the level of the efficiencies, the rest is assumed',
};

const assumed = (
  from: SpeedEfficiency,
  of: string,
  more: Partial<SpeedEfficiency> = {},
): SpeedEfficiency => ({
  ...from,
  ...more,
  evidence: 'assumed',
  relativeBand: 0.5,
  source: `roofline; efficiencies assumed from those of ${of}: no measurement of this generation is at hand`,
});

/** Older cards have no FlashAttention 2 or 3 kernels, and engines tune little for them. */
const older = { bandwidth: 0.8, kvBandwidth: 0.6, compute: 0.5 } as const;

const vllm: Readonly<Record<GpuGeneration, SpeedEfficiency>> = {
  volta: assumed(vllmAmpere, 'Ampere', older),
  turing: assumed(vllmAmpere, 'Ampere', older),
  ampere: vllmAmpere,
  ada: vllmAda,
  hopper: vllmHopper,
  blackwell: vllmBlackwell,
  cdna2: assumed(vllmCdna3, 'CDNA3'),
  cdna3: vllmCdna3,
  cdna4: assumed(vllmCdna3, 'CDNA3'),
};

/** An engine with steps of its own is added here; one that estimates its speed itself (static batches) needs none. */
const engines: ReadonlyMap<string, Readonly<Record<GpuGeneration, SpeedEfficiency>>> = new Map([
  ['vllm', vllm],
]);

/** What this engine reaches on this GPU. An engine that is not known is taken as vLLM. */
export function speedEfficiency(input: SpeedInput): SpeedEfficiency {
  return (engines.get(input.engine) ?? vllm)[gpuGeneration(input.device)];
}

const FITTED_BAND = 0.25;

/**
 * How well the efficiencies are known for this deployment. What was recorded is one GPU and 16-bit products; further than
 * that published figures lead.
 */
export function speedEvidence(
  input: SpeedInput,
  { evidence, relativeBand }: SpeedEfficiency,
): Pick<SpeedEfficiency, 'evidence' | 'relativeBand'> {
  const oneGpu = input.tensorParallelSize * input.pipelineParallelSize * input.dataParallelSize === 1;
  const sixteenBit =
    input.dense.bytes >= 1.9 * input.dense.parameters &&
    (input.experts?.bytes ?? 0) >= 1.9 * (input.experts?.parameters ?? 0);
  if (evidence !== 'recorded' || (oneGpu && sixteenBit && input.hostBytes === 0))
    return { evidence, relativeBand };
  return { evidence: 'fitted', relativeBand: FITTED_BAND };
}
