import type { EstimateRequest } from '../../../estimate/types.ts';
import { modelTraits } from '../../../memory/layerGroups.ts';
import { switchValue } from '../../flagValues.ts';
import { jsonFlag } from '../jsonFlag.ts';
import type { ModelRunner, VllmProfile } from './profile.ts';
import { type Release, releaseIndex } from './releases.ts';

const at = (release: Release) => releaseIndex(release);

/** Architectures that had the V2 runner by default before all had, and the first release read that lists each. */
const listed: readonly { readonly since: Release; readonly architectures: readonly string[] }[] = [
  { since: '0.22.1', architectures: ['Qwen3ForCausalLM'] },
  { since: '0.23.0', architectures: ['LlamaForCausalLM', 'MistralForCausalLM'] },
  {
    since: '0.24.0',
    architectures: ['DeepseekV2ForCausalLM', 'Qwen2MoeForCausalLM', 'GraniteMoeForCausalLM'],
  },
  {
    since: '0.26.0',
    architectures: ['InklingForCausalLM', 'InklingForConditionalGeneration', 'LongcatFlashNgramForCausalLM'],
  },
  { since: '0.27.1', architectures: ['KimiK3ForConditionalGeneration'] },
  { since: '0.28.0', architectures: ['DeepseekV4ForCausalLM'] },
];

/** Speculative methods that V2 had from the start. */
const v2Methods = new Set(['eagle', 'eagle3', 'mtp', 'dflash', 'dspark', 'draft_model']);

/**
 * Which code runs the model. Source: config/vllm.py, `use_v2_model_runner` and what it calls, of each release from 0.22; before,
 * engine/arg_utils.py, `_is_v1_supported_oracle`.
 */
export function modelRunner(request: EstimateRequest, profile: VllmProfile): ModelRunner {
  const { release } = profile;
  const environment = request.deployment.environment;
  const v2 = variable(environment?.['VLLM_USE_V2_MODEL_RUNNER']);
  if (v2 !== undefined && release >= at('0.15.1')) return v2 ? 'V2' : 'V1';
  const v1 = variable(environment?.['VLLM_USE_V1']);
  if (release < at('0.11.2')) {
    if (v1 !== undefined) return v1 ? 'V1' : 'V0';
    if (release < at('0.8.5.post1')) return 'V0';
    return release <= at('0.9.2') && oldOnly(request) ? 'V0' : 'V1';
  }
  if (release < at('0.22.1')) return 'V1';
  // At first V2 lacked it, then had it for latents alone; V1 never got further than that.
  if (Number(request.deployment.flags['prefill-context-parallel-size'] ?? 1) > 1) {
    if (release >= at('0.28.0')) return 'V2';
    if (release < at('0.26.0') || !modelTraits(request.model).latent) return 'V1';
  }
  if (lacksV2(request, release)) return 'V1';
  if (release >= at('0.29.0')) return 'V2';
  return byDefault(request, release) ? 'V2' : 'V1';
}

/** What sent 0.8 and 0.9 back to V0: GPUs before Ampere and models with a state. */
function oldOnly({ model, device }: EstimateRequest): boolean {
  return Number.parseFloat(device.computeCapability) < 8 || modelTraits(model).state;
}

function byDefault({ model, deployment }: EstimateRequest, release: number): boolean {
  const { experts, state, attentionFree } = modelTraits(model);
  const isListed = listed.some(
    ({ since, architectures }) => at(since) <= release && architectures.includes(model.architecture),
  );
  if (release < at('0.24.0')) {
    const quantized = model.quantization !== undefined || deployment.flags['quantization'] !== undefined;
    return isListed && !experts && !quantized;
  }
  if (release < at('0.25.1')) return isListed;
  return !state && !attentionFree && (isListed || !experts);
}

/** Features that V2 lacks: the engine goes back to V1, with a warning. */
function lacksV2({ deployment }: EstimateRequest, release: number): boolean {
  const { flags } = deployment;
  for (const name of ['enable-dbo', 'enable-elastic-ep', 'enable-prompt-embeds', 'kv-sharing-fast-prefill']) {
    const value = flags[name];
    if (value !== undefined && switchValue(value) === true && release < at('0.33.0')) return true;
  }
  if (flags['logits-processors'] !== undefined && release < at('0.33.0')) return true;
  const speculative = flags['speculative-config'];
  if (speculative === undefined) return false;
  const method = jsonFlag(speculative)?.['method'];
  if (method === 'suffix' || method === 'custom_class') return true;
  return typeof method === 'string' && release < at('0.29.0') && !v2Methods.has(method);
}

/** `0` and `1`, as the engine reads its variables; undefined where it is not set, or nothing that can be read. */
function variable(text: string | undefined): boolean | undefined {
  if (text === undefined) return undefined;
  const trimmed = text.trim();
  return /^\d+$/.test(trimmed) ? Number(trimmed) !== 0 : undefined;
}
