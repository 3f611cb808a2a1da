import type { DeploymentEstimate, MemoryTerm, Provenance } from '../../src/core/estimate/types.ts';
import { GiB } from '../../src/core/units.ts';
import { button, element } from '../common/dom.ts';
import type { Formatter } from '../common/format.ts';
import type { Column } from '../common/table.ts';
import { markIcon, verdictWord } from '../common/verdict.ts';
import type { DeviceRow } from './curves.ts';
import { bandWords, termLabel } from './memoryBar.ts';

const provenanceWords: Readonly<Record<Provenance, string>> = {
  formula: 'formula',
  flag: 'flag',
  header: 'header',
  'log-line': 'log line',
  'measured-run': 'measured',
  live: 'live',
};

/** A line of the table of terms: what the engine takes, and what it leaves for the KV cache. */
export interface TermRow {
  readonly name: string;
  readonly term: Pick<MemoryTerm, 'bytes' | 'lowBytes' | 'highBytes' | 'formula' | 'source' | 'provenance'>;
}

export function termRows({ perRank, kv }: DeploymentEstimate, format: Formatter): readonly TermRow[] {
  const rank = perRank[0];
  if (rank === undefined) return [];
  const charged = rank.terms.filter((term) => term.charged);
  const band = (side: 'lowBytes' | 'highBytes') =>
    charged.reduce((total, term) => total + term[side] - term.bytes, 0);
  const available = rank.availableKvBytes;
  return [
    ...rank.terms.map((term) => ({
      name: `${termLabel(term.id)}${term.charged ? '' : ' (beyond what is asked for)'}`,
      term,
    })),
    {
      name: 'KV cache',
      term: {
        bytes: available,
        // What the terms take more, the cache has less.
        lowBytes: available - band('highBytes'),
        highBytes: available - band('lowBytes'),
        formula: `${format.bytes(rank.requestedBytes)} asked for − the terms; ${format.count(kv.bytesPerTokenPerRank)} bytes a token`,
        source: 'the engine’s own accounting',
        provenance: 'formula',
      },
    },
  ];
}

export function termColumns(format: () => Formatter): readonly Column<TermRow>[] {
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
    { id: 'formula', label: 'Formula', cell: ({ term }) => ({ text: term.formula }) },
    {
      id: 'source',
      label: 'How do you know',
      cell: ({ term }) => ({ text: `${provenanceWords[term.provenance]}: ${term.source}` }),
    },
  ];
}

export function deviceColumns(
  format: () => Formatter,
  use: (device: string) => void,
): readonly Column<DeviceRow>[] {
  const figure = (
    id: string,
    label: string,
    title: string,
    pick: (estimate: DeploymentEstimate) => number,
  ): Column<DeviceRow> => ({
    id,
    label,
    title,
    numeric: true,
    cell: ({ estimate }) => {
      if (estimate.verdict.outcome === 'does-not-fit')
        return { text: '–', sort: null, copy: '', title: 'does not fit' };
      const value = pick(estimate);
      return { text: format().significant(value), sort: value, copy: String(value) };
    },
  });
  return [
    {
      id: 'device',
      label: 'GPU',
      cell: ({ device, current }) => ({ text: `${device.label}${current ? ' (now)' : ''}` }),
    },
    {
      id: 'verdict',
      label: 'Fits',
      cell: ({ estimate: { verdict } }) => ({
        text: verdictWord(verdict.outcome),
        title: verdict.reason,
        content: element(
          'span',
          { class: 'state' },
          markIcon(verdict.outcome),
          ` ${verdictWord(verdict.outcome)}`,
        ),
      }),
    },
    figure('concurrency', 'Requests', 'Requests of full length at once', ({ kv }) => kv.maxConcurrency),
    figure('ttft', 'TTFT ms', 'Time to first token, estimated', ({ speed }) => speed.ttftMs),
    figure('tpot', 'TPOT ms', 'Time per output token, estimated', ({ speed }) => speed.tpotMs),
    figure(
      'throughput',
      'tok/s',
      'Output tokens per second of the whole engine, estimated',
      ({ speed }) => speed.decodeTokensPerSecond,
    ),
    {
      id: 'cost',
      label: '$/1M',
      title: 'US dollars per million output tokens, by the list price of the catalogue',
      numeric: true,
      cell: ({ dollarsPerMillion: cost }) =>
        cost === null
          ? { text: '–', sort: null, copy: '', title: 'no price is known, or it does not fit' }
          : { text: format().significant(cost), sort: cost, copy: String(cost) },
    },
    {
      id: 'use',
      label: 'Try',
      cell: ({ device, current }) =>
        current
          ? { text: '' }
          : {
              text: '',
              content: button('▸', () => use(device.id), {
                class: 'quiet',
                'aria-label': `Try ${device.label}`,
              }),
            },
    },
  ];
}
