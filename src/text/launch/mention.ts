/** Whether a text can hold a deployment at all: searches for words, no parse. */

const words = [
  'vllm',
  '--gpu-memory-utilization',
  '--max-model-len',
  'sglang',
  'text-generation-',
  'trtllm',
  'tensorrt',
  'llama-server',
  'llama.cpp',
];

/** How the engines' names look where they are started, by image, program or module; `vllm: 8000` alone is no launch. */
const evidence =
  /--(?:gpu-memory-utilization|max-model-len)\b|\b(?:image|repository)["']?:[ \t]*["']?[^\s"'#]*(?:vllm|sglang|text-generation-inference|tensorrt-?llm|llama\.cpp)|\bvllm["']?,?(?:\s|\\)+(?:-\s+)?["']?(?:serve|bench)\b|\bvllm\.entrypoints\.|\bvllmConfig\b|\bsglang\.launch_server\b|\bsglang["']?,?\s+(?:-\s+)?["']?serve\b|\btext-generation-launcher\b|\btrtllm-serve\b|\bllama-server\b|^FROM\s+\S*(?:vllm|sglang|text-generation-inference|llama\.cpp)/im;

/** Around each mention, at most this much is looked at. */
const reach = 160;
const mentionsLookedAt = 40;

/** Several kinds of file ask of the same text, one after another. */
let last: { readonly text: string; readonly answer: boolean } | undefined;

/** True where an engine is started, as far as the words around its name tell. */
export function startsEngine(text: string): boolean {
  if (last?.text !== text) last = { text, answer: looksStarted(text) };
  return last.answer;
}

function looksStarted(text: string): boolean {
  return words.some((word) => {
    let at = text.indexOf(word);
    for (let looked = 0; at >= 0 && looked < mentionsLookedAt; looked++) {
      if (evidence.test(text.slice(Math.max(0, at - reach), at + reach))) return true;
      at = text.indexOf(word, at + reach);
    }
    return false;
  });
}
