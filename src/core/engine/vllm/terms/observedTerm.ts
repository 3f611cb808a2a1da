import type { MemoryTerm } from '../../../estimate/types.ts';
import { gib } from '../../../estimate/words.ts';
import type { ObservedBytes } from '../versions/profile.ts';

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
    const { source } = observed;
    const bytes = Math.round(observed.bytes);
    const lowBytes = Math.round(observed.lowBytes);
    const highBytes = Math.round(observed.highBytes);
    const formula = `${what}: ${gib(bytes)} GiB seen`;
    made = { id, bytes, lowBytes, highBytes, formula, source, provenance: 'measured-run', charged };
    byId.set(id, made);
  }
  return made;
}
