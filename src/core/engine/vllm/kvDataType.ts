import type { EstimateRequest } from '../../estimate/types.ts';
import { modelTraits } from '../../memory/layerGroups.ts';
import type { Obstacle } from '../engine.ts';
import type { ResolvedVllm } from './resolved.ts';
import { kvDataTypeRefusal } from './versions/kvDataTypes.ts';
import { profileOf } from './versions/profiles.ts';

/** A type of the KV cache that the release has, and that it refuses on this GPU or for this model. */
export function kvDataTypeObstacle(request: EstimateRequest, resolved: ResolvedVllm): Obstacle | undefined {
  const { device } = request;
  const dataType = String(resolved.flags['kv-cache-dtype']);
  const why = refusal(request, dataType, resolved.profile.release);
  return why === undefined
    ? undefined
    : {
        kind: 'kv-data-type',
        reason: `vLLM refuses kv-cache-dtype ${dataType} on ${device.label} (compute capability ${device.computeCapability}): ${why}`,
        causeFlag: 'kv-cache-dtype',
      };
}

/** Whether an fp8 cache is worth proposing: the GPU has the arithmetic, and the release takes it there. */
export function gainsByFp8Cache(request: EstimateRequest): boolean {
  return Number.parseFloat(request.device.computeCapability) >= 8.9 && takesFp8Cache(request);
}

/** Whether the release takes an fp8 cache on this GPU, at whatever speed. */
export function takesFp8Cache(request: EstimateRequest): boolean {
  const { profile } = profileOf(request.deployment.engineVersion);
  return refusal(request, 'fp8', profile.release) === undefined;
}

/** The type that keys and values have unquantised, whatever the checkpoint states. */
export function unquantizedCache({ model, device }: EstimateRequest): string {
  if (model.quantization?.fp8KvCache !== true) return 'auto';
  return Number.parseFloat(device.computeCapability) >= 8 ? 'bfloat16' : 'float16';
}

function refusal(request: EstimateRequest, dataType: string, release: number): string | undefined {
  return kvDataTypeRefusal({
    dataType,
    release,
    computeCapability: request.device.computeCapability,
    latent: modelTraits(request.model).latent,
    attentionBackend: String(request.deployment.flags['attention-backend'] ?? '').toUpperCase(),
  });
}
