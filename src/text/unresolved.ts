import { engineNames, findEngine } from '../core/engine/engines.ts';
import type { Problem } from '../core/result.ts';
import type { LocatedDeployment, UnresolvedPart } from './located.ts';

/** Flags that the estimate counts on. Any other may hold `$API_KEY` and the numbers stand. */
const countedOn = new Set([
  'model',
  'async-scheduling',
  'attn-implementation',
  'batch-size',
  'block-size',
  'compilation-config',
  'cpu-offload-gb',
  'data-parallel-size',
  'decode-context-parallel-size',
  'disable-sliding-window',
  'dtype',
  'enable-chunked-prefill',
  'enable-lora',
  'enforce-eager',
  'gpu-memory-utilization',
  'hf-overrides',
  'kv-cache-dtype',
  'kv-cache-memory-bytes',
  'load-in-4bit',
  'load-in-8bit',
  'logits',
  'max-model-len',
  'max-new-tokens',
  'max-num-batched-tokens',
  'max-num-seqs',
  'num-gpu-blocks-override',
  'performance-mode',
  'pipeline-parallel-size',
  'prefill-context-parallel-size',
  'prompt-length',
  'quantization',
  'speculative-config',
  'tensor-parallel-size',
]);

/** Why this deployment must not be estimated: something that the numbers rest on is not written as a value. */
export function estimateBlocker({ deployment, unresolved = [] }: LocatedDeployment): Problem | undefined {
  if (!findEngine(deployment.engine)) {
    return {
      code: 'engine.not-covered',
      message: `${deployment.engine} is not covered: only ${engineNames().join(', ')} is estimated.`,
    };
  }
  const part = unresolved.find(
    ({ flag, why }) =>
      why === 'other-file' || (flag !== undefined && countedOn.has(flag.replace(/\..*$/, ''))),
  );
  return part && sayWhy(part);
}

/** Whole arguments that only a run can say (`"$@"`): estimates leave them out, and say so. */
export function unreadArguments({ unresolved = [] }: LocatedDeployment): readonly UnresolvedPart[] {
  return unresolved.filter(({ flag, why }) => flag === undefined && why === 'expanded-later');
}

function sayWhy({ flag, text, why }: UnresolvedPart): Problem {
  const path = flag === undefined ? [] : flag === 'model' ? ['model'] : ['flags', flag];
  if (why === 'other-file') {
    return {
      code: 'deployment.other-file',
      message: `flags stand in ${text}: open that file for its estimate.`,
      path,
    };
  }
  if (why === 'invalid') {
    return { code: 'deployment.invalid-value', message: `--${flag} cannot be read: ${text}.`, path };
  }
  const subject = flag === 'model' ? 'the model' : `--${flag}`;
  return {
    code: 'deployment.expanded-later',
    message: `${subject} is ${text}, which only a run can say.`,
    path,
  };
}
