import { hasExperts, hasState, isAttention, type LayerFacts, type ModelFacts } from '../model/facts.ts';
import type { PipelineStage } from './pipeline.ts';

/** Identical layers of a stage, counted once. */
export interface LayerGroup {
  readonly layer: LayerFacts;
  readonly count: number;
}

/** What engines decide by, found once a model. */
export interface ModelTraits {
  readonly experts: boolean;
  /** A state that does not grow with the context beside, or instead of, attention. */
  readonly state: boolean;
  readonly attentionFree: boolean;
  /** An encoder of images or sound. */
  readonly encoder: boolean;
  readonly latent: boolean;
  /** Query heads of the first attention; 0 without any. */
  readonly queryHeads: number;
  /** Of the first attention over heads; 1 for latents. */
  readonly keyValueHeads: number;
  /** Query heads x elements of what attention gives for each (of a latent: its own), in the widest layer. */
  readonly attentionWidth: number;
}

const groupsOfModel = new WeakMap<ModelFacts, Map<string, readonly LayerGroup[]>>();
const traitsOfModel = new WeakMap<ModelFacts, ModelTraits>();

/** The layers of a stage, like ones together. Layers of one kind share one object, so that a model has a handful of groups. */
export function layerGroups(model: ModelFacts, stage: PipelineStage): readonly LayerGroup[] {
  let byStage = groupsOfModel.get(model);
  if (byStage === undefined) {
    byStage = new Map();
    groupsOfModel.set(model, byStage);
  }
  const key = `${stage.first}-${stage.end}`;
  let groups = byStage.get(key);
  if (groups === undefined) {
    const counts = new Map<LayerFacts, number>();
    for (const layer of model.layers.slice(stage.first, stage.end)) {
      counts.set(layer, (counts.get(layer) ?? 0) + 1);
    }
    groups = [...counts].map(([layer, count]) => ({ layer, count }));
    byStage.set(key, groups);
  }
  return groups;
}

export function modelTraits(model: ModelFacts): ModelTraits {
  let traits = traitsOfModel.get(model);
  if (traits === undefined) {
    const attentions = model.layers.flatMap(({ mixers }) => mixers.filter((mixer) => isAttention(mixer)));
    const [first] = attentions;
    traits = {
      experts: hasExperts(model),
      state: hasState(model),
      attentionFree: attentions.length === 0,
      encoder: model.outerWeights.some(({ kind }) => kind === 'vision' || kind === 'audio'),
      latent: attentions.some(({ kind }) => kind === 'latent'),
      queryHeads: first?.queryHeads ?? 0,
      keyValueHeads: first === undefined || first.kind === 'latent' ? 1 : first.keyValueHeads,
      attentionWidth: Math.max(
        0,
        ...attentions.map(
          (one) =>
            one.queryHeads * (one.kind === 'latent' ? one.latentSize : (one.valueHeadSize ?? one.headSize)),
        ),
      ),
    };
    traitsOfModel.set(model, traits);
  }
  return traits;
}
