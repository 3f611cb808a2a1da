/** `model.json` of Triton's vLLM backend: the engine's arguments as keys. */
import { findDirectives } from '../directives.ts';
import type { DocumentDeployments } from '../located.ts';
import { readFlagPairs } from '../yaml/flagPairs.ts';
import { parsePiece, tornAt } from '../yaml/pieces.ts';
import { YamlTree } from '../yaml/tree.ts';
import { assembleDeployment } from './assemble.ts';
import { type DocumentSource, fileNameOf, headLength } from './source.ts';

export const tritonModel: DocumentSource = {
  name: 'triton-model',
  recognises({ path }, text) {
    if (fileNameOf(path) !== 'model.json') return false;
    const head = text.slice(0, headLength);
    return (
      /"model"\s*:/.test(head) &&
      /"(?:gpu_memory_utilization|max_model_len|tensor_parallel_size|enforce_eager|max_num_seqs|disable_log_requests|disable_log_stats|max_num_batched_tokens|kv_cache_dtype)"\s*:/.test(
        head,
      )
    );
  },
  read: readTritonModel,
};

/**
 * The backend hands the keys to `AsyncEngineArgs` and starts the engine by vLLM's `build_async_engine_client_from_engine_args`
 * (triton-inference-server/vllm_backend, src/model.py), whose usage context is that of the OpenAI server: so are the defaults.
 */
function readTritonModel(text: string): DocumentDeployments {
  const [piece] = parsePiece(text, [{ start: 0, end: text.length }], { version: '1.2' });
  if (!piece) return { deployments: [], problems: [] };
  const torn = tornAt(text, piece);
  const tree = new YamlTree(piece);
  const pairs = tree.root && readFlagPairs(text, tree, tree.root, 'json');
  const deployment =
    pairs && assembleDeployment(text, findDirectives(text), { ...pairs, entrypoint: 'serve' });
  return { deployments: deployment ? [deployment] : [], problems: torn ? [torn] : [] };
}
