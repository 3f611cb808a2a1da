import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCsv } from '../../../src/core/foreign/csv.ts';
import { readForeign } from '../../../src/core/foreign/foreign.ts';
import { jsonErrorOffset, parsePythonJson } from '../../../src/core/foreign/pythonJson.ts';
import { file, problemsOf, recorded } from './files.ts';

describe('files that cannot be used', () => {
  it('an unknown tool lists what is known', () => {
    const [message] = problemsOf([file('notes.json', { a: 1 })]);
    expect(message).toMatch(
      /^notes\.json: This is no result of a load generator that is known\. Known are: vllm bench serve .*genai-bench/s,
    );
    expect(problemsOf([file('words.txt', 'hello')]).join()).toMatch(/known/);
    expect(problemsOf([])).toEqual([expect.stringMatching(/There is no \.json, \.jsonl or \.csv file/)]);
    expect(problemsOf([file('empty.json', '')])).toEqual(['empty.json: The file is empty.']);
  });

  it('torn JSON says where it ends, broken JSON where it breaks', () => {
    const [one] = recorded('vllm-bench-serve');
    const text = `{\n${(one?.text ?? '').slice(1, 5000)}`;
    expect(problemsOf([file('r.json', text)])[0]).toMatch(
      /^r\.json: The JSON ends in the middle \(line 2, column \d{4}\)/,
    );
    expect(problemsOf([file('r.json', '{\n "duration": 1,\n "completed": }')])[0]).toMatch(
      /No JSON from line 3, column 15/,
    );
  });

  it('in a folder, a torn file is left out and said', () => {
    const [one] = recorded('vllm-bench-serve');
    const read = readForeign([
      file('d/torn.json', '{"duration": 1,', true),
      ...(one === undefined ? [] : [one]),
    ]);
    expect(read.ok && read.value).toHaveLength(1);
    expect(read.ok && read.warnings.map(({ path }) => path)).toEqual([['d/torn.json']]);
  });

  it('a result without a request is none', () => {
    expect(
      problemsOf([file('g.json', { aggregated_metrics: null, individual_request_metrics: [] })]),
    ).toEqual([
      'g.json: The file has no measurement in it: no request completed or failed. Run the benchmark to its end.',
    ]);
  });
});

describe('JSON as Python writes it', () => {
  it('has NaN and Infinity, as null; in texts they stay', () => {
    const parsed = parsePythonJson('{"a": NaN, "b": [-Infinity, Infinity], "c": "is NaN \\" Infinity"}');
    expect(parsed.ok && parsed.value).toEqual({ a: null, b: [null, null], c: 'is NaN " Infinity' });
  });

  it('is found broken where a character was put in, and torn at its end', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), fc.nat(), (text, seed) => {
        const at = seed % text.length;
        expect(jsonErrorOffset(text)).toBe(text.length);
        const offset = jsonErrorOffset(text.slice(0, at));
        expect(offset).toBeLessThanOrEqual(at);
        if (/^[[{]/.test(text)) expect(offset).toBe(at);
      }),
      { numRuns: 300 },
    );
    expect(jsonErrorOffset('{"a": 1 "b": 2}')).toBe(8);
    expect(jsonErrorOffset('[1, 2,, 3]')).toBe(6);
    expect(jsonErrorOffset('{"a": 1]')).toBe(7);
  });
});

it('CSV has quotes, either line end, and never loses a cell', () => {
  expect(parseCsv('a,"b ""c"", d",e\r\n1,2,\n\nx')).toEqual([
    ['a', 'b "c", d', 'e'],
    ['1', '2', ''],
    [],
    ['x'],
  ]);
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.string(), { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 5 }),
      (rows) => {
        const text = rows
          .map((row) => row.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(','))
          .join('\n');
        expect(parseCsv(text)).toEqual(rows);
      },
    ),
  );
  fc.assert(fc.property(fc.string(), (text) => void parseCsv(text)));
});

describe('nothing throws', () => {
  const tools = ['vllm-bench-serve-failures', 'aiperf', 'guidellm', 'inference-perf', 'genai-bench'];
  const small = tools.flatMap((tool) => recorded(tool)).map((one) => ({ ...one, text: shortened(one.text) }));

  it('whatever a value of a recorded file is turned into', () => {
    const strange = fc.constantFrom<unknown>(null, -1, 'x', [], {}, true, 1e308, [null, 'a', -2], {
      value: 'x',
    });
    fc.assert(
      fc.property(fc.nat(small.length - 1), fc.nat(), strange, (which, seed, value) => {
        const one = small[which];
        if (one === undefined || one.name.endsWith('.csv')) return;
        const changed = one.name.endsWith('.jsonl')
          ? one.text
              .split('\n')
              .map((line) => (line === '' ? '' : changedAt(line, seed, value)))
              .join('\n')
          : changedAt(one.text, seed, value);
        const read = readForeign([{ ...one, text: changed }]);
        if (!read.ok) for (const { message, code } of read.problems) expect(code && message).not.toBe('');
      }),
      { numRuns: 400 },
    );
  });

  it('wherever a file is cut, and on any text or JSON', () => {
    fc.assert(
      fc.property(fc.nat(small.length - 1), fc.double({ min: 0, max: 1, noNaN: true }), (which, part) => {
        const one = small[which];
        if (one !== undefined)
          readForeign([{ ...one, text: one.text.slice(0, Math.floor(one.text.length * part)) }]);
      }),
      { numRuns: 200 },
    );
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => void readForeign([file('a.json', text)])),
    );
    const keys = fc.constantFrom(
      'duration',
      'completed',
      'benchmarks',
      'experiments',
      'service_kind',
      'metadata',
      'metrics',
      'input_config',
      'request_latency',
      'load_summary',
      'successes',
      'ttfts',
      'itls',
      'output_lens',
      'type_',
      'ttft_s',
      'records',
      '__proto__',
    );
    const known = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.jsonValue(),
        fc.dictionary(keys, tie('value')),
        fc.array(tie('value'), { maxLength: 3 }),
      ),
    })).value;
    fc.assert(fc.property(fc.dictionary(keys, known), (value) => void readForeign([file('a.json', value)])));
  });
});

/** Lists of a recorded file cut to three entries. */
function shortened(text: string): string {
  if (!text.startsWith('{')) return text;
  const lines = text.trimEnd().split('\n').slice(0, 3);
  return lines
    .map((line) =>
      JSON.stringify(JSON.parse(line), (_, value: unknown) =>
        Array.isArray(value) ? value.slice(0, 3) : value,
      ),
    )
    .join('\n');
}

/** One value of the JSON, chosen by the seed, replaced. */
function changedAt(text: string, seed: number, value: unknown): string {
  let count = 0;
  const parsed: unknown = JSON.parse(text, (_, each: unknown) => {
    count++;
    return each;
  });
  const wanted = seed % count;
  let at = 0;
  return JSON.stringify(parsed, (_, each: unknown) => (at++ === wanted ? value : each)) ?? 'null';
}
