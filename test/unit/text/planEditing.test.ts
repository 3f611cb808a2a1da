import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expandPlan } from '../../../src/core/sweep/cells.ts';
import { planItems } from '../../../src/core/sweep/planItems.ts';
import { unfitPlaces } from '../../../src/core/sweep/unfitPlaces.ts';
import type { OffsetEdit } from '../../../src/text/edits.ts';
import { planFixes, withFlag, withKey, withoutItem } from '../../../src/text/plan/planFixes.ts';
import { planPlaceAt, writtenAt } from '../../../src/text/plan/planPlace.ts';
import { parseSweepPlan } from '../../../src/text/sweepPlan.ts';
import { planOf as anyPlan, chatPlan, mustBe, rehearsalContext } from '../sweep/plans.ts';

/** What is offered at `|`. */
function offered(text: string): string[] {
  const offset = text.indexOf('|');
  const place = planPlaceAt(text.replace('|', ''), offset);
  return place === undefined ? [] : planItems(place, ['gpu-01']).map(({ insert }) => insert);
}

function edited(text: string, edits: readonly OffsetEdit[]): string {
  return edits
    .toSorted((a, b) => b.range.start - a.range.start)
    .reduce((all, { range, newText }) => all.slice(0, range.start) + newText + all.slice(range.end), text);
}

describe('completion in a plan', () => {
  it.each([
    ['a new key of the plan', `${chatPlan}re|`, 'repeats: '],
    ['a key that stands in the middle', chatPlan.replace('question: chat', 'ques|'), 'question: '],
    ['a value of a choice', chatPlan.replace('question: chat', 'question: |'), 'memory-limit'],
    ['a GPU', chatPlan.replace('gpu: h100-sxm-80gb', 'gpu: h2|'), 'h200-sxm-141gb'],
    ['a host', chatPlan.replace('[this-machine]', '[g|]'), 'gpu-01'],
    ['a version in quotes', chatPlan.replace('"0.26.0"', '|'), '"0.26.0"'],
    [
      'a model',
      chatPlan.replace('meta-llama/Llama-3.2-1B-Instruct', 'meta-llama/L|'),
      'meta-llama/Llama-3.1-8B-Instruct',
    ],
    [
      'a flag of the engine',
      chatPlan.replace('max-model-len: 4096', 'max-model-len: 4096\n    kv|'),
      'kv-cache-dtype: ',
    ],
    [
      'a flag to vary, with its values',
      chatPlan.replace('load:', 'matrix:\n  kv-cache|\nload:'),
      'kv-cache-dtype: [',
    ],
    ['a value to vary', chatPlan.replace('load:', 'matrix:\n  kv-cache-dtype: [auto, |]\nload:'), 'fp8'],
    ['a key of a load', chatPlan.replace('    requests: 140\n', '    |\n'), 'requests: '],
    ['a profile', chatPlan.replace('    requests: 140\n', '    profile: |\n'), 'open-loop'],
    [
      'a key of that profile',
      chatPlan.replace(/load:[\s\S]*slo/, 'load:\n  - profile: open-loop\n    |\nslo'),
      'requestsPerSecond: ',
    ],
    ['what an exclude may name', `${chatPlan}exclude:\n  - { | }\n`, 'concurrency: '],
    ['what is searched', `${chatPlan}search: { flag: |, goal: knee }\n`, 'concurrency'],
    ['a key of an arrangement', chatPlan.replace('"0.26.0"', '"0.26.0", arrangements: [{ | }]'), 'sharing: '],
    ['true and false', `${chatPlan}allowForeignProcesses: |\n`, 'true'],
  ])('offers %s', (_, text, insert) => {
    expect(offered(text).some((one) => one.startsWith(insert))).toBe(true);
  });

  it('offers no key that is there already, nor a flag under another spelling', () => {
    expect(offered(`${chatPlan}|`)).not.toContain('name: ');
    expect(offered(chatPlan.replace('max-model-len: 4096', 'max_model_len: 4096\n    |'))).not.toContain(
      'max-model-len: ',
    );
    expect(offered(chatPlan.replace('question: chat', '# qu|'))).toEqual([]);
  });

  it('of a key gives a plan with one problem less, or none', () => {
    const without = chatPlan.replace('model: meta-llama/Llama-3.2-1B-Instruct\n', '|\n');
    const place = planPlaceAt(without.replace('|', ''), without.indexOf('|'));
    const item = planItems(place ?? { path: [], kind: 'key', document: {} }, []).find(
      ({ label }) => label === 'model',
    );
    expect(item).toMatchObject({ detail: 'needed', documentation: expect.stringContaining('Hub id') });
    expect(parseSweepPlan(without.replace('|', `${item?.insert}a/b`)).problems).toEqual([]);
  });

  it('never throws, wherever it is asked', () => {
    fc.assert(
      fc.property(fc.nat(chatPlan.length), fc.nat(chatPlan.length), (cut, at) => {
        const text = chatPlan.slice(0, cut);
        const place = planPlaceAt(text, Math.min(at, cut));
        if (place !== undefined) planItems(place, []);
        writtenAt(text, Math.min(at, cut));
      }),
    );
  });
});

it('what is written at a position is found by its path', () => {
  const pathAt = (word: string, more = 0) => writtenAt(chatPlan, chatPlan.indexOf(word) + more)?.path;
  expect(pathAt('max-model-len')).toEqual(['deployment', 'flags', 'max-model-len']);
  expect(pathAt('[1, 2', 4)).toEqual(['load', 0, 'concurrency', 1]);
  expect(pathAt('deviation: 10', 11)).toEqual(['load', 0, 'output', 'deviation']);
  expect(writtenAt('a: 1\n# x\n', 7)).toBeUndefined();
});

describe('a quick fix in a plan', () => {
  const fixed = (text: string, at = 0): string => {
    const { problems, warnings } = parseSweepPlan(text);
    const problem = [...problems, ...warnings][0];
    const fix = problem && planFixes(text, problem)[at];
    return fix === undefined ? '' : edited(text, fix.edits);
  };

  it.each([
    ['a key that was misspelled', chatPlan.replace('question: chat', 'qestion: chat')],
    ['a flag that was misspelled', chatPlan.replace('max-model-len', 'max-modle-len')],
    ['a rate without its profile', chatPlan.replace('concurrency: [1, 2, 4]', 'requestsPerSecond: [1, 2]')],
    [
      'a rate within braces, without its profile',
      chatPlan.replace(/load:[\s\S]*slo/, 'load: [{ requestsPerSecond: 4, input: 9, output: 9 }]\nslo'),
    ],
    ['a version without quotes', chatPlan.replace('"0.26.0"', '0.26')],
    ['a question without its limits', chatPlan.replace(/^slo:.*\n/m, '')],
    [
      'a flag that is varied and fixed',
      chatPlan
        .replace('load:', 'matrix: { max-model-len: [1024, 2048] }\nload:')
        .replace('4096\n', '4096\n    max-num-seqs: 8\n'),
    ],
    ['a secret', chatPlan.replace('4096\n', '4096\n    hf-token: hf_x\n')],
    ["a flag that is Loadline's", chatPlan.replace('4096\n', '4096\n    port: 8000\n')],
    ['an exclude of nothing', `${chatPlan}exclude:\n  - max-num-seqs: 3\n  - concurrency: 4\n`],
  ])('puts %s right', (_, text) => {
    const { problems, warnings } = parseSweepPlan(fixed(text));
    expect([...problems, ...warnings]).toEqual([]);
  });

  it('sets flags and keys of the plan where they stand, or anew', () => {
    const flagsOf = (text: string) => mustBe(parseSweepPlan(text).result).deployment.flags;
    const set = (text: string, flag: string, value: number | string) =>
      flagsOf(edited(text, withFlag(text, flag, value, '')?.edits ?? []));
    expect(set(chatPlan, 'max_model_len', 100)).toEqual({ 'max-model-len': 100 });
    expect(set(chatPlan, 'max-num-seqs', 8)).toEqual({ 'max-model-len': 4096, 'max-num-seqs': 8 });
    const flow = chatPlan.replace('\n    max-model-len: 4096', ' { max-model-len: 4096 }');
    expect(set(flow, 'max-num-seqs', 8)).toEqual({ 'max-model-len': 4096, 'max-num-seqs': 8 });
    const none = chatPlan.replace('deployment:\n  flags:\n    max-model-len: 4096\n', '');
    expect(set(none, 'kv-cache-dtype', 'fp8')).toEqual({ 'kv-cache-dtype': 'fp8' });
    const probing = edited(chatPlan, withKey(chatPlan, 'predictedNotToFit', 'probe', '').edits);
    expect(mustBe(parseSweepPlan(probing).result).predictedNotToFit).toBe('probe');
  });

  it('takes a value out of its list, not the last one', () => {
    const out = (text: string, index: number) =>
      edited(text, withoutItem(text, ['load', 0, 'concurrency', index], '')?.edits ?? []);
    const levels = (text: string) => mustBe(parseSweepPlan(text).result).load[0];
    expect(levels(out(chatPlan, 0))).toMatchObject({ concurrency: [2, 4] });
    expect(levels(out(chatPlan, 2))).toMatchObject({ concurrency: [1, 2] });
    const block = chatPlan.replace('[1, 2, 4]', '\n      - 1\n      - 2');
    expect(levels(out(block, 0))).toMatchObject({ concurrency: [2] });
    expect(
      withoutItem(chatPlan.replace('[1, 2, 4]', '[1]'), ['load', 0, 'concurrency', 0], ''),
    ).toBeUndefined();
  });
});

describe('what cannot fit', () => {
  const places = (text: string) => {
    const plan = anyPlan(text);
    return unfitPlaces(plan, mustBe(expandPlan(plan, rehearsalContext)));
  };
  const varied = (values: string) =>
    chatPlan.replace('load:', `matrix: { gpu-memory-utilization: ${values} }\nload:`);

  it('stands at the value that makes it so, with the reason', () => {
    expect(places(chatPlan)).toEqual([]);
    expect(places(varied('[0.02, 0.9]'))).toMatchObject([
      {
        path: ['matrix', 'gpu-memory-utilization', 0],
        cells: 3,
        kind: 'value',
        skipped: true,
        reason: expect.stringContaining('GiB'),
      },
    ]);
    expect(places(`${varied('[0.02, 0.9]')}predictedNotToFit: probe\n`)).toMatchObject([{ skipped: false }]);
  });

  it('stands at the model where nothing fits, and at an arrangement that does not', () => {
    expect(places(varied('[0.02, 0.03]'))).toMatchObject([{ path: ['model'], kind: 'plan', cells: 6 }]);
    const arranged = chatPlan.replace('"0.26.0"', '"0.26.0", arrangements: [{}, { copies: 2 }]');
    expect(places(arranged)).toMatchObject([{ path: ['engine', 'arrangements', 1], kind: 'value' }]);
  });

  it('stands at the matrix where no single value explains it', () => {
    const text = chatPlan.replace(
      'load:',
      'matrix:\n  gpu-memory-utilization: [0.06, 0.9]\n  max-num-seqs: [8, 256]\n  max-num-batched-tokens: [512, 16384]\nload:',
    );
    const found = places(text);
    const all = mustBe(expandPlan(anyPlan(text), rehearsalContext));
    const unfit = all.filter(({ prediction }) => prediction?.outcome === 'does-not-fit').length;
    expect(found.reduce((sum, { cells }) => sum + cells, 0)).toBe(unfit);
  });
});
