import type { TowerFamily } from '../towers.ts';
import { aria } from './aria.ts';
import { qwen2Audio, voxtral } from './audio.ts';
import { ayaVision, cohere2Vision } from './cohereVision.ts';
import { ernie45VlMoe, paddleOcrVl } from './ernieVision.ts';
import { gemma3, gemma3n, gemma4, paliGemma } from './gemmaTowers.ts';
import { glm4v, glm4vMoe, glmOcr } from './glmVision.ts';
import { idefics2, idefics3, smolVlm } from './idefics.ts';
import { internVl, internVlChat, qianfanOcr } from './internVision.ts';
import { kimiK25, kimiVl } from './kimiVision.ts';
import { lfm2Vl } from './lfm2Vision.ts';
import { llama4 } from './llama4Vision.ts';
import { llava, llavaNext, llavaNextVideo, llavaOneVision, vipLlava } from './llava.ts';
import { minicpmV } from './minicpmVision.ts';
import { mistral3 } from './mistralVision.ts';
import { qwen3Omni, qwen25Omni } from './omni.ts';
import { exaone45, qwen2Vl, qwen3Vl, qwen3VlMoe, qwen25Vl, qwen35, qwen35Moe } from './qwenVision.ts';

/** The models with towers that are covered. To add one: a file beside these, and its name here. */
const families: readonly TowerFamily[] = [
  qwen2Vl,
  qwen25Vl,
  qwen3Vl,
  qwen3VlMoe,
  qwen35,
  qwen35Moe,
  llava,
  llavaNext,
  llavaNextVideo,
  llavaOneVision,
  vipLlava,
  mistral3,
  gemma3,
  paliGemma,
  ayaVision,
  cohere2Vision,
  lfm2Vl,
  idefics2,
  idefics3,
  smolVlm,
  internVl,
  qianfanOcr,
  glm4v,
  glm4vMoe,
  glmOcr,
  llama4,
  kimiK25,
  kimiVl,
  gemma4,
  exaone45,
  gemma3n,
  internVlChat,
  ernie45VlMoe,
  paddleOcrVl,
  minicpmV,
  qwen2Audio,
  voxtral,
  qwen25Omni,
  qwen3Omni,
  aria,
];

const byName = new Map(
  families.flatMap((family) =>
    [
      family.modelType,
      ...(family.aliases ?? []),
      family.architecture,
      ...(family.otherArchitectures ?? []),
    ].map((name) => [name, family] as const),
  ),
);

/** By `model_type`, or by an entry of `architectures`. */
export function towerFamilyOf(name: string | undefined): TowerFamily | undefined {
  return name === undefined ? undefined : byName.get(name);
}
