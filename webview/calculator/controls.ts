import type { DeploymentEstimate, EstimateRequest } from '../../src/core/estimate/types.ts';
import { element, setAttributes, setText } from '../common/dom.ts';
import type { Formatter } from '../common/format.ts';
import type { EditValue } from './state.ts';

/** A number that is set by a slider over sensible stops, or typed exactly. */
interface SliderDefinition {
  readonly flag: string;
  /** Ascending; the current value is added where it is not one of them. */
  stops(request: EstimateRequest): readonly number[];
  readonly smallest: number;
  readonly step: number;
}

const doublings = (from: number, to: number, partsPerDoubling: number, multiple: number): number[] => {
  const stops: number[] = [];
  for (let part = 0; ; part++) {
    const stop = Math.round((from * 2 ** (part / partsPerDoubling)) / multiple) * multiple;
    if (stop > to) return [...new Set(stops)];
    stops.push(stop);
  }
};

const sliders: readonly SliderDefinition[] = [
  {
    flag: 'max-model-len',
    stops: ({ model }) => [
      ...doublings(256, model.maxPositionEmbeddings, 4, 16),
      model.maxPositionEmbeddings,
    ],
    smallest: 1,
    step: 1,
  },
  {
    flag: 'gpu-memory-utilization',
    stops: () => Array.from({ length: 96 }, (_, i) => (i + 5) / 100),
    smallest: 0.01,
    step: 0.01,
  },
  { flag: 'max-num-seqs', stops: () => doublings(1, 4096, 2, 1), smallest: 1, step: 1 },
  { flag: 'tensor-parallel-size', stops: () => [1, 2, 4, 8], smallest: 1, step: 1 },
];

const kvTypes = ['auto', 'fp8'];

export interface ControlEvents {
  set(flag: string, value: EditValue): void;
}

/** The flags that one plays with. Each says what the file says where it differs. */
export class Controls {
  readonly element = element('section', { class: 'controls', 'aria-label': 'Flags' });
  readonly #sliders: readonly Slider[];
  readonly #kvType = element('select', { id: 'kv-cache-dtype' });
  readonly #kvNote = element('span', { class: 'file-value', id: 'kv-cache-dtype-file' });

  constructor(events: ControlEvents) {
    this.#sliders = sliders.map(
      (definition) => new Slider(definition, (value) => events.set(definition.flag, value)),
    );
    this.#kvType.addEventListener('change', () => events.set('kv-cache-dtype', this.#kvType.value));
    setAttributes(this.#kvType, { 'aria-describedby': this.#kvNote.id });
    this.element.append(
      ...this.#sliders.map((slider) => slider.element),
      element(
        'div',
        { class: 'control' },
        element('label', { for: 'kv-cache-dtype' }, 'kv-cache-dtype'),
        this.#kvType,
        this.#kvNote,
      ),
    );
  }

  /** `inFile`: what the file has for a flag that is changed on top of it. */
  show(
    request: EstimateRequest,
    now: DeploymentEstimate,
    inFile: ReadonlyMap<string, string>,
    format: Formatter,
  ): void {
    for (const slider of this.#sliders) slider.show(request, now, inFile, format);
    const value = String(request.deployment.flags['kv-cache-dtype'] ?? 'auto');
    const types = kvTypes.includes(value) ? kvTypes : [...kvTypes, value];
    if (this.#kvType.options.length !== types.length)
      this.#kvType.replaceChildren(...types.map((type) => element('option', { value: type }, type)));
    this.#kvType.value = value;
    showFileValue(this.#kvNote, inFile.get('kv-cache-dtype'));
  }
}

class Slider {
  readonly element: HTMLElement;
  readonly #range: HTMLInputElement;
  readonly #number: HTMLInputElement;
  readonly #note: HTMLElement;
  #stops: readonly number[] = [];

  constructor(
    private readonly definition: SliderDefinition,
    onSet: (value: number) => void,
  ) {
    const { flag, smallest, step } = definition;
    this.#note = element('span', { class: 'file-value', id: `${flag}-file` });
    this.#range = element('input', {
      id: flag,
      type: 'range',
      min: 0,
      step: 1,
      'aria-describedby': this.#note.id,
    });
    this.#number = element('input', {
      type: 'number',
      min: smallest,
      step,
      'aria-label': `${flag}, exact value`,
    });
    this.#range.addEventListener('input', () => {
      const stop = this.#stops[Number(this.#range.value)];
      if (stop !== undefined) onSet(stop);
    });
    this.#number.addEventListener('change', () => {
      const value = this.#number.valueAsNumber;
      if (Number.isFinite(value) && value >= smallest) onSet(value);
    });
    this.element = element(
      'div',
      { class: 'control' },
      element('label', { for: flag }, flag),
      this.#range,
      this.#number,
      this.#note,
    );
  }

  show(
    request: EstimateRequest,
    now: DeploymentEstimate,
    inFile: ReadonlyMap<string, string>,
    format: Formatter,
  ): void {
    const { flag } = this.definition;
    const value = flag === 'max-model-len' ? now.kv.maxModelLen : Number(now.resolved[flag]);
    const known = Number.isFinite(value);
    for (const input of [this.#range, this.#number]) input.disabled = !known;
    showFileValue(this.#note, inFile.get(flag));
    if (!known) return;
    this.#stops = [...new Set([...this.definition.stops(request), value])].sort((a, b) => a - b);
    setAttributes(this.#range, {
      max: this.#stops.length - 1,
      'aria-valuetext': this.definition.step < 1 ? String(value) : format.count(value),
    });
    this.#range.value = String(this.#stops.indexOf(value));
    if (document.activeElement !== this.#number) this.#number.value = String(value);
  }
}

function showFileValue(note: HTMLElement, inFile: string | undefined): void {
  setText(note, inFile === undefined ? '' : `changed; in the file: ${inFile}`);
}
