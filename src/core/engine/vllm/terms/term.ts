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

/** A term that no formula gives. */
export function observedTerm(
  id: string,
  observed: ObservedBytes,
  charged: boolean,
  what: string,
): MemoryTerm {
  return term({
    id,
    bytes: observed.bytes,
    lowBytes: observed.lowBytes,
    highBytes: observed.highBytes,
    formula: () => `${what}: ${gib(observed.bytes)} GiB seen`,
    source: observed.source,
    provenance: 'measured-run',
    charged,
  });
}
