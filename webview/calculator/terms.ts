import type { DeploymentEstimate, MemoryTerm, Provenance } from '../../src/core/estimate/types.ts';
import { GiB } from '../../src/core/units.ts';
import { button, element } from '../common/dom.ts';
import type { Formatter } from '../common/format.ts';
import type { Column } from '../common/table.ts';
import { bandWords, rankGroups, termLabel } from './memoryBar.ts';

const provenanceWords: Readonly<Record<Provenance, string>> = {
  formula: 'formula',
  flag: 'flag',
  header: 'header',
  'log-line': 'measured',
  'measured-run': 'measured',
  live: 'live',
};

/** A line of the table of terms: what the engine takes, and what it leaves for the KV cache. */
export interface TermRow {
  /** With its rank, where ranks differ. */
  readonly name: string;
  readonly term: Pick<MemoryTerm, 'bytes' | 'lowBytes' | 'highBytes' | 'formula' | 'source' | 'provenance'>;
}

export function termRows({ perRank, kv }: DeploymentEstimate, format: Formatter): readonly TermRow[] {
  const groups = rankGroups(perRank);
  return groups.flatMap(({ name: ranks, rank }) => {
    const charged = rank.terms.filter((term) => term.charged);
    const band = (side: 'lowBytes' | 'highBytes') =>
      charged.reduce((total, term) => total + term[side] - term.bytes, 0);
    const available = rank.availableKvBytes;
    const named = (name: string) => (groups.length > 1 ? `${name}, ${ranks}` : name);
    return [
      ...rank.terms.map((term) => ({
        name: named(`${termLabel(term.id)}${term.charged ? '' : ' (beyond what is asked for)'}`),
        term,
      })),
      {
        name: named('KV cache'),
        term: {
          bytes: available,
          // What the terms take more, the cache has less.
          lowBytes: available - band('highBytes'),
          highBytes: available - band('lowBytes'),
          formula: `${format.bytes(rank.requestedBytes)} asked for − the terms; ${format.count(kv.bytesPerTokenPerRank)} bytes a token`,
          source: 'the engine’s own accounting',
          provenance: 'formula' as const,
        },
      },
    ];
  });
}

/** `expanded`: names of the terms whose formula is shown; `toggle` turns one over. */
export function termColumns(
  format: () => Formatter,
  expanded: ReadonlySet<string>,
  toggle: (name: string) => void,
): readonly Column<TermRow>[] {
  return [
    { id: 'name', label: 'Term', cell: ({ name }) => ({ text: name }) },
    {
      id: 'bytes',
      label: 'GiB',
      numeric: true,
      cell: ({ term }) => ({
        text: format().gib(term.bytes),
        sort: term.bytes,
        copy: String(term.bytes / GiB),
      }),
    },
    {
      id: 'band',
      label: '±',
      title: 'The band that it is as likely to be in',
      numeric: true,
      cell: ({ term }) => ({
        text: bandWords(term, format()) || 'exact',
        sort: term.highBytes - term.lowBytes,
      }),
    },
    {
      id: 'source',
      label: 'How do you know',
      cell: ({ name, term }) => {
        const isOpen = expanded.has(name);
        const how = provenanceWords[term.provenance];
        return {
          text: `${how}: ${term.source}`,
          copy: `${how}: ${term.formula}; ${term.source}`,
          content: () =>
            element(
              'div',
              { class: 'how' },
              button(how, () => toggle(name), {
                class: 'expand',
                'aria-expanded': isOpen,
                title: isOpen ? 'Hide the formula' : 'Show the formula with its numbers',
              }),
              `: ${term.source}`,
              isOpen ? element('code', { class: 'formula' }, term.formula) : null,
            ),
        };
      },
    },
  ];
}
