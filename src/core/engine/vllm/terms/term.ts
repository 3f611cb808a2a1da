import type { MemoryTerm, Provenance } from '../../../estimate/types.ts';
import { gib } from '../../../estimate/words.ts';
import type { ObservedBytes } from '../versions/profile.ts';

interface TermFigures {
  readonly id: string;
  readonly bytes: number;
  readonly lowBytes?: number;
  readonly highBytes?: number;
  /** Written only where somebody reads it: estimates run at slider speed. */
  readonly formula: () => string;
  readonly source: string;
  readonly provenance: Provenance;
  readonly charged: boolean;
}

export function term({ formula, ...figures }: TermFigures): MemoryTerm {
  const { id, bytes, source, provenance, charged } = figures;
  return {
    id,
    bytes,
    lowBytes: figures.lowBytes ?? bytes,
    highBytes: figures.highBytes ?? bytes,
    get formula() {
      return formula();
    },
    source,
    provenance,
    charged,
  };
}

const observedTerms = new WeakMap<ObservedBytes, Map<string, MemoryTerm>>();

/** A term that no formula gives. One that was seen as a whole is made once. */
export function observedTerm(
  id: string,
  observed: ObservedBytes,
  charged: boolean,
  what: string,
): MemoryTerm {
  let byId = observedTerms.get(observed);
  if (byId === undefined) {
    byId = new Map();
    observedTerms.set(observed, byId);
  }
  let made = byId.get(id);
  if (made === undefined) {
    const { bytes, lowBytes, highBytes, source } = observed;
    const formula = `${what}: ${gib(bytes)} GiB seen`;
    made = { id, bytes, lowBytes, highBytes, formula, source, provenance: 'measured-run', charged };
    byId.set(id, made);
  }
  return made;
}
