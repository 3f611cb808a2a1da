/** `config.pbtxt` of a model that Triton's vLLM backend serves. The engine's arguments stand in `model.json` beside it. */
import { findDirectives } from '../directives.ts';
import type { DocumentDeployments, OffsetRange, TargetHint } from '../located.ts';
import { assembleDeployment, directiveProblems } from './assemble.ts';
import { type DocumentSource, extensionOf, headLength } from './source.ts';

const backend = /^[ \t]*backend[ \t]*:[ \t]*(["'])vllm\1/m;

export const tritonConfig: DocumentSource = {
  name: 'triton-config',
  recognises({ path }, text) {
    return extensionOf(path) === 'pbtxt' && backend.test(text.slice(0, headLength));
  },
  read: readTritonConfig,
};

function readTritonConfig(text: string): DocumentDeployments {
  const directives = findDirectives(text);
  const found = backend.exec(withoutComments(text));
  if (!found) return { deployments: [], problems: directiveProblems(directives) };
  const start = found.index + (/^[ \t]*/.exec(found[0])?.[0].length ?? 0);
  const range = { start, end: found.index + found[0].length };
  const hint = gpusOf(withoutComments(text.slice(0, headLength)));
  const deployment = assembleDeployment(text, directives, {
    entrypoint: 'serve',
    range,
    scopes: [{ start: 0, end: text.length }],
    written: [],
    commentAt: found.index,
    ...(hint ? { hint } : {}),
    unresolved: [{ text: '1/model.json', range, why: 'other-file' }],
  });
  return { deployments: [deployment], problems: directiveProblems(directives) };
}

/** Comments as blanks of the same length. Quotes hide a `#`. */
function withoutComments(text: string): string {
  return text.replace(/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|#[^\n]*/g, (part) =>
    part.startsWith('#') ? part.replace(/[^\r]/g, ' ') : part,
  );
}

/** `gpus: [ 0, 1 ]` of an instance group, or the backend's own GPU_DEVICE_IDS: what one engine gets. */
function gpusOf(text: string): TargetHint | undefined {
  const ids =
    /key[ \t]*:[ \t]*"GPU_DEVICE_IDS"\s*,?\s*value\s*:?\s*\{\s*string_value[ \t]*:[ \t]*"([\d, ]+)"/.exec(
      text,
    );
  // KIND_GPU starts one engine on each of its GPUs.
  const group = /\binstance_group\b[^\]]*?\bgpus\s*:?\s*\[([\d,\s]+)\]/.exec(text);
  const kindGpu = /\bkind\s*:\s*KIND_GPU\b/.test(text);
  const match = ids ?? group;
  if (!match) return undefined;
  const count = !ids && kindGpu ? 1 : (match[1] ?? '').split(',').filter((id) => id.trim() !== '').length;
  const range: OffsetRange = { start: match.index, end: match.index + match[0].length };
  return count > 0 ? { gpuCount: { count, range } } : undefined;
}
