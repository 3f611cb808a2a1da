import type { EstimateRequest, MemoryTerm } from '../../../estimate/types.ts';
import { gib, grouped } from '../../../estimate/words.ts';
import { modelTraits } from '../../../memory/layerGroups.ts';
import { remembered } from '../../../memory/remember.ts';
import type { ModelFacts } from '../../../model/facts.ts';
import { term } from '../../memoryTerm.ts';
import type { ResolvedVllm } from '../resolved.ts';
import { capture, graphEstimateBytes } from '../versions/observed.ts';
import { observedTerm } from './observedTerm.ts';

/** What is subtracted for CUDA graphs, or what they take without being subtracted. Nothing where none is captured. */
export function graphTerms(request: EstimateRequest, resolved: ResolvedVllm): readonly MemoryTerm[] {
  const { profile, runner, graphs } = resolved;
  if (graphs.piecewise + graphs.full === 0) return [];
  const charged = profile.graphsCharged(runner);
  return charged && runner === 'V1'
    ? [
        observedTerm(
          'graphs',
          graphEstimateBytes(graphs),
          true,
          'CUDA graphs, as the profile run estimates them',
        ),
      ]
    : [rememberedCapture(request, resolved, charged)];
}

const remember = remembered<ModelFacts, MemoryTerm>();

/** A slider moves what graphs do not depend on. */
function rememberedCapture(request: EstimateRequest, resolved: ResolvedVllm, charged: boolean): MemoryTerm {
  const { graphs, tensorParallelSize } = resolved;
  const values = [
    graphs.piecewise,
    graphs.full,
    graphs.largestFull,
    tensorParallelSize,
    charged,
    request.device.computeCapability,
  ];
  return remember(request.model, values, () => captureTerm(request, resolved, charged));
}

function captureTerm(
  { model, device }: EstimateRequest,
  { graphs, tensorParallelSize }: ResolvedVllm,
  charged: boolean,
): MemoryTerm {
  const { attentionWidth, latent } = modelTraits(model);
  const width = attentionWidth / tensorParallelSize;
  const parts = latent ? capture.parts.latents : capture.parts.heads;
  const count = graphs.piecewise + graphs.full;
  const own = capture.firstBytes + count * capture.graphBytes;
  const bytes = own + graphs.largestFull * width * 4 * parts;
  return term({
    id: charged ? 'graphs' : 'graphs-uncharged',
    bytes,
    // Kernels before Hopper and after it were not recorded.
    lowBytes: device.computeCapability.startsWith('9.') ? bytes * (1 - capture.below) : own * 0.5,
    highBytes: bytes * capture.above,
    formula: () =>
      `${count} CUDA graphs, ${gib(own)} GiB, + partial results of attention for ${grouped(graphs.largestFull)} sequences x ${grouped(width)} elements x ${parts} parts x 4 bytes = ${gib(bytes)} GiB${charged ? ', as the profile run measures them' : ', captured after the KV cache is sized and not subtracted from it'}`,
    source: capture.source,
    provenance: 'measured-run',
    charged,
  });
}
