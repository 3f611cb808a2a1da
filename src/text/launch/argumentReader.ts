import type { Engine } from '../../core/engine/engine.ts';
import type { OffsetRange, UnresolvedPart, Writing } from '../located.ts';
import type { ShellWord } from '../shellWords.ts';
import type { FoundModel } from '../sources/assemble.ts';
import { readFlagName, type WrittenFlag } from '../writtenFlags.ts';
import { modelOptions, truthOf } from './ownOptions.ts';
import type { Launch } from './programs.ts';

/** What `vllm bench throughput` and `latency` take beside the engine's own (vllm/benchmarks/throughput.py, latency.py). */
const benchmarkFlags =
  /^(?:input-len|output-len|num-prompts|n|num-iters(?:-warmup)?|batch-size|profile|output-json|async-engine|backend|dataset(?:-.+)?|hf-(?:split|subset|name|max-batch-size|output-len)|random-.+|prefix-len|use-beam-search|disable-detokenize|lora-path|sonnet-.+|sharegpt-.+|num-warmups|disable-tqdm)$/;

/** Walks the arguments as argparse would, with the engine's table to say which flags take values. */
export class ArgumentReader {
  readonly #text: string;
  readonly #engine: Engine;
  readonly #words: readonly ShellWord[];
  readonly #launch: Pick<Launch, 'positionalModel' | 'benchmark' | 'ownProgram'>;
  readonly #writing: Writing;
  #next = 0;
  model: FoundModel | undefined;
  readonly written: WrittenFlag[] = [];
  readonly unresolved: UnresolvedPart[] = [];

  constructor(text: string, engine: Engine, launch: Launch, writing: Writing) {
    this.#text = text;
    this.#engine = engine;
    this.#words = launch.arguments;
    this.#launch = launch;
    this.#writing = writing;
  }

  readAll(): void {
    for (let word = this.#take(); word; word = this.#take()) {
      if (isFlag(word)) this.#flag(word);
      else if (word.unknown) this.#expansion(word);
      else if (this.#launch.positionalModel && !this.model) this.#modelIs(word.range, [word.value], word);
    }
  }

  #take(): ShellWord | undefined {
    const word = this.#words[this.#next];
    this.#next += 1;
    return word;
  }

  /** `$MODEL` stands for the model; `"$@"` and `$EXTRA` for any number of arguments. */
  #expansion(word: ShellWord): void {
    const text = this.#source(word.range);
    if (this.#launch.positionalModel && !this.model && !/[@*]|ARG|OPT|FLAG|EXTRA/i.test(text)) {
      this.#modelIs(word.range, undefined, word);
    } else this.unresolved.push({ text, range: word.range, why: 'expanded-later' });
  }

  #modelIs(range: OffsetRange, values: readonly string[] | undefined, word: ShellWord): void {
    const [value] = values ?? [];
    this.model = { range, writing: this.#writingOf(word), ...(value === undefined ? {} : { value }) };
  }

  #flag(word: ShellWord): void {
    const equals = word.value.indexOf('=');
    const optimization = /^-O(?!=)(?=.)/.test(word.value);
    const nameLength = equals >= 0 ? equals : optimization ? 2 : word.value.length;
    const name = word.value.slice(0, nameLength);
    const { start, end } = word.item?.inner ?? word.range;
    const key = { start, end: word.offsets[nameLength] ?? end };
    if (nameLength < word.value.length) {
      const valueAt = equals >= 0 ? equals + 1 : nameLength;
      // Words of a shell keep their quotes in the value's place, items stand in theirs.
      const from = word.item
        ? (word.offsets[valueAt] ?? end)
        : equals >= 0
          ? (word.offsets[equals] ?? 0) + 1
          : key.end;
      this.#add(name, key, { start: from, end }, [word], [word.value.slice(valueAt)], word.unknown);
      return;
    }
    const values = this.#valuesOf(name);
    const [first] = values;
    const last = values.at(-1);
    const valueRange = first && last ? { start: first.range.start, end: last.range.end } : undefined;
    const unknown = values.some((each) => each.unknown);
    this.#add(
      name,
      key,
      valueRange,
      [word, ...values],
      values.map(({ value }) => value),
      unknown,
    );
  }

  #add(
    name: string,
    key: OffsetRange,
    valueRange: OffsetRange | undefined,
    words: readonly ShellWord[],
    values: readonly string[],
    expandedLater: boolean,
  ): void {
    const [first] = words;
    const last = words.at(-1);
    if (!first || !last) return;
    const bare = name.replace(/^-+/, '');
    if (this.#launch.benchmark && benchmarkFlags.test(bare.replaceAll('_', '-'))) return;
    if (this.#launch.ownProgram) this.#addOwn(name, key, valueRange, [first, last], values, expandedLater);
    else if (bare === 'model' && valueRange)
      this.#modelIs(valueRange, expandedLater ? undefined : values, first);
    else if (bare === 'config') {
      const range = valueRange ?? key;
      this.unresolved.push({ text: this.#source(range), range, why: 'other-file' });
    } else {
      const whole = { start: first.range.start, end: last.range.end };
      const place = { key, ...(valueRange ? { valueRange } : {}), whole, writing: this.#writingOf(first) };
      this.written.push({ name, ...place, values, expandedLater });
    }
  }

  /** Only what the engine's table has: the rest is between the user and the program. Switches may have `True` behind them. */
  #addOwn(
    name: string,
    key: OffsetRange,
    valueRange: OffsetRange | undefined,
    [first, last]: readonly [ShellWord, ShellWord],
    values: readonly string[],
    expandedLater: boolean,
  ): void {
    if (modelOptions.test(name.replace(/^-+/, '').replaceAll('_', '-'))) {
      if (valueRange) this.#modelIs(valueRange, expandedLater ? undefined : values, first);
      return;
    }
    const { definition } = readFlagName(this.#engine, name);
    if (!definition) return;
    const truth = definition.kind === 'switch' ? truthOf(values) : undefined;
    this.written.push({
      name,
      key,
      ...(valueRange ? { valueRange } : {}),
      whole: { start: first.range.start, end: last.range.end },
      writing: this.#writingOf(first),
      values: truth ?? values,
      expandedLater,
    });
  }

  #writingOf(word: ShellWord): Writing {
    return word.item ? { ...this.#writing, style: 'items', quoting: word.item.quoting } : this.#writing;
  }

  /**
   * The words that belong to a flag without `=`. A number is one word. Text and JSON may be several (`nargs='+'`), and a
   * word behind a switch is a mistake to report; but while the model is still missing the next plain word may be it.
   */
  #valuesOf(name: string): ShellWord[] {
    const definition = readFlagName(this.#engine, name).definition;
    const modelMayFollow = this.#launch.positionalModel && !this.model;
    const single = definition?.kind === 'integer' || definition?.kind === 'number';
    if (definition?.kind === 'switch' && modelMayFollow) return [];
    const values: ShellWord[] = [];
    for (;;) {
      const word = this.#words[this.#next];
      if (!word || isFlag(word)) return values;
      // A whole expansion behind a switch or behind a complete value stands for further arguments.
      if (word.unknown && (definition?.kind === 'switch' || values.length > 0)) return values;
      values.push(word);
      this.#next += 1;
      if (single || modelMayFollow || definition?.kind === 'switch') return values;
    }
  }

  #source(range: OffsetRange): string {
    return this.#text.slice(range.start, range.end);
  }
}

/** argparse takes `-1` for a number, not for a flag. A flag whose very name holds an expansion cannot be read as one. */
function isFlag(word: ShellWord): boolean {
  return /^--?[A-Za-z]/.test(word.value) && (!word.unknown || word.value.includes('='));
}
