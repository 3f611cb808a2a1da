import type { ModelFamily } from '../family.ts';
import { cohere, cohere2, cohere2Moe } from './cohere.ts';
import { deepseekV4 } from './deepseekV4.ts';
import { ernie45Moe } from './ernie.ts';
import { ernie45VlMoeText } from './ernieVision.ts';
import { exaone, exaone4, exaoneMoe } from './exaone.ts';
import { falcon } from './falcon.ts';
import { olmoHybrid, qwen3Next, qwen35MoeText, qwen35Text } from './gatedDelta.ts';
import { afmoe, laguna, mellum } from './gatedExperts.ts';
import { gemma, gemma2, gemma3Text, vaultGemma } from './gemma.ts';
import { gemma3nText, gemma4Text } from './gemmaPerLayer.ts';
import { bailingMoe, deepseek, dots1, glm, glm4, glm4Moe, hunyuan3, solarOpen } from './glm.ts';
import { bloom, gpt2, gptBigCode, gptj, gptNeo, gptNeoX, mpt, openaiGpt } from './gpt2.ts';
import { hunyuanDense, hunyuanMoe } from './hunyuan.ts';
import { internlm, internlm2, internlm3 } from './internlm.ts';
import { jetmoe } from './jetmoe.ts';
import { bailingHybrid, kimiLinear } from './kimiDelta.ts';
import { axk1, deepseekV2, deepseekV3, glm4MoeLite, minicpm3, mistral4, youtu } from './latent.ts';
import { lfm2, lfm2Moe } from './lfm2.ts';
import {
  cwm,
  ernie45,
  granite,
  graniteSlidingWindow,
  helium,
  llama,
  minicpm,
  ministral,
  ministral3,
  mistral,
  seedOss,
  smollm3,
} from './llama.ts';
import { llama4Text } from './llama4.ts';
import { longcatFlash } from './longcat.ts';
import { falconMamba, mamba, mamba2 } from './mamba.ts';
import { bamba, falconH1, graniteMoeHybrid, jamba } from './mambaHybrids.ts';
import { mimoV2Flash } from './mimoV2.ts';
import { minimaxText } from './minimaxText.ts';
import {
  ariaText,
  dbrx,
  flexOlmo,
  gptOss,
  graniteMoe,
  graniteMoeSlidingWindow,
  minimaxM2,
  mixtral,
  olmoe,
} from './mixtral.ts';
import { nemotronH } from './nemotronH.ts';
import { nemotronNas } from './nemotronNas.ts';
import {
  baichuan,
  biogpt,
  bitnet,
  chatglm,
  diffllama,
  hyperclovax,
  modernBertDecoder,
  orion,
  qwen1,
  stablelm,
} from './oddDense.ts';
import { olmo, olmo2, olmo3 } from './olmo.ts';
import { opt } from './opt.ts';
import { phi3, phimoe } from './phi3.ts';
import { apertus, arcee, jais2, nanochat, nemotron, persimmon, phi, starcoder2 } from './plainMlp.ts';
import { flint, qwen2, qwen2Moe, qwen3, qwen3Moe } from './qwen2.ts';
import { deepseekV32, glmMoeDsa } from './sparseLatent.ts';
import { zamba2 } from './zamba2.ts';

/** The families that are covered. To add one: a file beside these, and its name here. */
const families: readonly ModelFamily[] = [
  llama,
  qwen2,
  qwen2Moe,
  qwen3,
  qwen3Moe,
  qwen1,
  mistral,
  ministral,
  ministral3,
  mixtral,
  mistral4,
  gemma,
  gemma2,
  gemma3Text,
  gemma3nText,
  gemma4Text,
  vaultGemma,
  phi,
  phi3,
  phimoe,
  gptOss,
  deepseekV2,
  deepseekV3,
  deepseekV32,
  deepseekV4,
  deepseek,
  glm,
  glm4,
  glm4Moe,
  glm4MoeLite,
  glmMoeDsa,
  chatglm,
  llama4Text,
  nemotron,
  nemotronNas,
  granite,
  graniteSlidingWindow,
  graniteMoe,
  graniteMoeSlidingWindow,
  cohere,
  cohere2,
  cohere2Moe,
  olmo,
  olmo2,
  olmo3,
  olmoe,
  flexOlmo,
  ariaText,
  flint,
  internlm,
  internlm2,
  internlm3,
  exaone,
  exaone4,
  exaoneMoe,
  minimaxM2,
  stablelm,
  smollm3,
  ernie45,
  ernie45Moe,
  hunyuanDense,
  hunyuanMoe,
  hunyuan3,
  bailingMoe,
  seedOss,
  mimoV2Flash,
  longcatFlash,
  dots1,
  solarOpen,
  afmoe,
  laguna,
  mellum,
  axk1,
  youtu,
  minicpm,
  minicpm3,
  jetmoe,
  dbrx,
  gpt2,
  gptBigCode,
  gptNeo,
  gptNeoX,
  gptj,
  openaiGpt,
  opt,
  bloom,
  mpt,
  falcon,
  starcoder2,
  persimmon,
  arcee,
  apertus,
  jais2,
  nanochat,
  cwm,
  helium,
  diffllama,
  bitnet,
  hyperclovax,
  orion,
  baichuan,
  biogpt,
  modernBertDecoder,
  olmoHybrid,
  qwen3Next,
  qwen35MoeText,
  qwen35Text,
  bailingHybrid,
  kimiLinear,
  lfm2,
  lfm2Moe,
  falconMamba,
  mamba,
  mamba2,
  bamba,
  falconH1,
  graniteMoeHybrid,
  jamba,
  minimaxText,
  nemotronH,
  zamba2,
  ernie45VlMoeText,
];

const byModelType = new Map(
  families.flatMap((family) =>
    [family.modelType, ...(family.aliases ?? [])].map((name) => [name, family] as const),
  ),
);
const byArchitecture = new Map(
  families.flatMap((family) =>
    [family.architecture, ...(family.otherArchitectures ?? [])].map((name) => [name, family] as const),
  ),
);

export function familyOf(modelType: string): ModelFamily | undefined {
  return byModelType.get(modelType);
}

/** For a config.json without `model_type`. */
export function familyOfArchitecture(architecture: string): ModelFamily | undefined {
  return byArchitecture.get(architecture);
}
