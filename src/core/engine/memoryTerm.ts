import type { MemoryTerm, Provenance } from '../estimate/types.ts';

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

/** A term of a rank's memory in whole bytes; exact where no band is given. */
export function term({ formula, ...figures }: TermFigures): MemoryTerm {
  const { id, source, provenance, charged } = figures;
  const bytes = Math.round(figures.bytes);
  return {
    id,
    bytes,
    lowBytes: Math.min(bytes, Math.round(figures.lowBytes ?? bytes)),
    highBytes: Math.max(bytes, Math.round(figures.highBytes ?? bytes)),
    get formula() {
      return formula();
    },
    source,
    provenance,
    charged,
  };
}
