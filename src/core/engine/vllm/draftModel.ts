import type { ModelFacts } from '../../model/facts.ts';
import { knownModel } from '../../model/known.ts';
import type { Deployment } from '../deployment.ts';
import { jsonFlag } from './jsonFlag.ts';

/**
 * For `EstimateRequest.draft`: facts of the model that `--speculative-config` names to propose tokens, where they ship. Here and not
 * with what reads the flag: a panel estimates without loading every model that ships.
 */
export function draftModel({ flags }: Pick<Deployment, 'flags'>): ModelFacts | undefined {
  const name = jsonFlag(flags['speculative-config'])?.['model'];
  return typeof name === 'string' ? knownModel(name) : undefined;
}

/** `draftModel` as the field of a request; none where there is no draft. */
export function draftOf(deployment: Pick<Deployment, 'flags'>): { readonly draft?: ModelFacts } {
  const draft = draftModel(deployment);
  return draft === undefined ? {} : { draft };
}
