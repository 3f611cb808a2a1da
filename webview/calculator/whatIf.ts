import type { FlagSensitivity } from '../../src/core/estimate/sensitivity.ts';
import type { DeploymentEstimate } from '../../src/core/estimate/types.ts';
import { button, element } from '../common/dom.ts';
import type { Formatter } from '../common/format.ts';
import type { Column } from '../common/table.ts';
import { markIcon, verdictWord } from '../common/verdict.ts';
import type { EditValue } from './state.ts';

/** Steps that change nothing of it are not worth a line. */
export function telling(
  steps: readonly FlagSensitivity[],
  { kv, verdict }: DeploymentEstimate,
): readonly FlagSensitivity[] {
  return steps.filter(
    ({ kvTokensDelta, maxConcurrency, outcome }) =>
      kvTokensDelta !== 0 || maxConcurrency !== kv.maxConcurrency || outcome !== verdict.outcome,
  );
}

/** What one step of each flag would give: in tokens of the KV cache, and whether it would fit. */
export function whatIfColumns(
  format: () => Formatter,
  attempt: (flag: string, to: EditValue) => void,
): readonly Column<FlagSensitivity>[] {
  return [
    {
      id: 'change',
      label: 'Change',
      cell: ({ flag, from, to }) => ({
        text: `${flag} ${from === null ? '' : `${String(from)} → `}${String(to)}`,
        copy: `${flag}=${String(to)}`,
      }),
    },
    {
      id: 'delta',
      label: 'KV tokens ±',
      title: 'How many tokens more or fewer the KV cache would hold',
      numeric: true,
      cell: ({ kvTokensDelta: delta }) => ({
        text: `${delta > 0 ? '+' : delta < 0 ? '−' : '±'}${format().count(Math.abs(delta))}`,
        sort: delta,
        copy: String(delta),
      }),
    },
    {
      id: 'tokens',
      label: 'KV tokens',
      numeric: true,
      cell: ({ kvTokens }) => ({ text: format().count(kvTokens), sort: kvTokens, copy: String(kvTokens) }),
    },
    {
      id: 'requests',
      label: 'Requests',
      title: 'Requests of full length at once',
      numeric: true,
      cell: ({ maxConcurrency }) => ({
        text: format().significant(maxConcurrency),
        sort: maxConcurrency,
        copy: String(maxConcurrency),
      }),
    },
    {
      id: 'verdict',
      label: 'Fits',
      cell: ({ outcome, gpuCount }) => ({
        text: verdictWord(outcome),
        content: () =>
          element(
            'span',
            { class: 'state' },
            markIcon(outcome),
            ` ${verdictWord(outcome)}${gpuCount > 1 ? ` on ${gpuCount} GPUs` : ''}`,
          ),
      }),
    },
    {
      id: 'try',
      label: 'Try',
      notCopied: true,
      cell: ({ flag, to }) =>
        typeof to === 'object'
          ? { text: '' }
          : {
              text: '',
              content: () =>
                button('▸', () => attempt(flag, to), {
                  class: 'quiet',
                  'aria-label': `Try ${flag} ${String(to)}`,
                }),
            },
    },
  ];
}
