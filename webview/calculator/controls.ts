import { findEngine } from '../../src/core/engine/engines.ts';
import type { DeploymentEstimate, EstimateLoad, EstimateRequest } from '../../src/core/estimate/types.ts';
import { element, setAttributes } from '../common/dom.ts';
import type { Formatter } from '../common/format.ts';
import { loadFigures, loadLabels } from './changes.ts';
import { showFileValue } from './fileValue.ts';
import { Slider, type SliderDefinition } from './slider.ts';
import type { EditValue } from './state.ts';

const doublings = (from: number, to: number, partsPerDoubling: number, multiple: number): number[] => {
  const stops: number[] = [];
  for (let part = 0; ; part++) {
    const stop = Math.round((from * 2 ** (part / partsPerDoubling)) / multiple) * multiple;
    if (stop > to) return [...new Set(stops)];
    stops.push(stop);
  }
};

const resolvedNumber =
  (flag: string) =>
  ({ resolved }: DeploymentEstimate): number =>
    Number(resolved[flag]);

const flagSlider = (
  flag: string,
  stops: SliderDefinition['stops'],
  more: Partial<SliderDefinition> = {},
): SliderDefinition => ({
  id: flag,
  label: flag,
  stops,
  smallest: 1,
  step: 1,
  value: resolvedNumber(flag),
  ...more,
});

const flagSliders: readonly SliderDefinition[] = [
  flagSlider(
    'max-model-len',
    ({ model }) => [...doublings(256, model.maxPositionEmbeddings, 4, 16), model.maxPositionEmbeddings],
    { value: ({ kv }) => kv.maxModelLen },
  ),
  flagSlider('gpu-memory-utilization', () => Array.from({ length: 96 }, (_, i) => (i + 5) / 100), {
    smallest: 0.01,
    step: 0.01,
  }),
  flagSlider('max-num-seqs', () => doublings(1, 4096, 2, 1)),
  flagSlider('max-num-batched-tokens', () => doublings(512, 131_072, 2, 64)),
  flagSlider('tensor-parallel-size', () => [1, 2, 4, 8]),
  flagSlider('pipeline-parallel-size', () => [1, 2, 4, 8]),
  flagSlider('batch-size', () => doublings(1, 1024, 2, 1)),
  flagSlider('prompt-length', ({ model }) => doublings(16, model.maxPositionEmbeddings, 2, 1)),
  flagSlider('max-new-tokens', ({ model }) => doublings(16, model.maxPositionEmbeddings, 2, 1)),
];

const loadStops: Readonly<Record<keyof EstimateLoad, () => readonly number[]>> = {
  batch: () => doublings(1, 1024, 2, 1),
  inputTokens: () => doublings(16, 131_072, 2, 1),
  outputTokens: () => doublings(16, 131_072, 2, 1),
};

const loadSliders = loadFigures.map((figure): SliderDefinition & { readonly figure: keyof EstimateLoad } => ({
  figure,
  id: `load-${figure}`,
  label: loadLabels[figure],
  stops: loadStops[figure],
  smallest: 1,
  step: 1,
  value: ({ speed }) => speed[figure],
}));

export interface ControlEvents {
  set(flag: string, value: EditValue): void;
  /** Back to what the file says. */
  unset(flag: string): void;
  setLoad(figure: keyof EstimateLoad, value: number): void;
}

/** The flags that one plays with, and the load. Each says what the file says where it differs. */
export class Controls {
  readonly element = element('div', { class: 'control-groups' });
  readonly #sliders: readonly Slider[];
  readonly #load: readonly Slider[];
  readonly #kvType: Choices;
  readonly #quantization: Choices;
  readonly #eager = element('input', { id: 'enforce-eager', type: 'checkbox' });
  readonly #eagerNote = element('span', { class: 'file-value', id: 'enforce-eager-file' });
  readonly #eagerElement = element(
    'div',
    { class: 'control' },
    element('label', { class: 'check' }, this.#eager, 'enforce-eager'),
    this.#eagerNote,
  );
  readonly #loadElement = element('section', {
    class: 'controls',
    'aria-label': 'Load that speed is estimated for',
  });

  constructor(events: ControlEvents) {
    this.#sliders = flagSliders.map(
      (definition) => new Slider(definition, (value) => events.set(definition.id, value)),
    );
    this.#load = loadSliders.map(
      (definition) => new Slider(definition, (value) => events.setLoad(definition.figure, value)),
    );
    this.#kvType = new Choices('kv-cache-dtype', (value) => events.set('kv-cache-dtype', value));
    this.#quantization = new Choices('quantization', (value) =>
      value === '' ? events.unset('quantization') : events.set('quantization', value),
    );
    this.#eager.addEventListener('change', () => events.set('enforce-eager', this.#eager.checked));
    setAttributes(this.#eager, { 'aria-describedby': this.#eagerNote.id });
    this.#loadElement.append(...this.#load.map((slider) => slider.element));
    this.element.append(
      element(
        'section',
        { class: 'controls', 'aria-label': 'Flags' },
        ...this.#sliders.map((slider) => slider.element),
        this.#kvType.element,
        this.#quantization.element,
        this.#eagerElement,
      ),
      this.#loadElement,
    );
  }

  /** `inFile`: what the file has for what is changed on top of it. */
  show(
    request: EstimateRequest,
    now: DeploymentEstimate,
    inFile: ReadonlyMap<string, string>,
    format: Formatter,
  ): void {
    const engine = findEngine(request.deployment.engine);
    const has = (flag: string) => engine?.canonicalFlag(flag) !== undefined;
    for (const slider of this.#sliders) {
      slider.element.hidden = !has(slider.id);
      slider.show(request, now, inFile.get(slider.id), format);
    }
    for (const { flag, element: shown } of [this.#kvType, this.#quantization]) shown.hidden = !has(flag);
    this.#eagerElement.hidden = !has('enforce-eager');
    // One batch at a time is all the load there is.
    this.#loadElement.hidden = engine?.isServer === false;
    for (const [i, slider] of this.#load.entries())
      slider.show(request, now, inFile.get(loadFigures[i] ?? ''), format);
    const { flags } = request.deployment;
    const kvType = flags['kv-cache-dtype'];
    this.#kvType.show(
      kvType === undefined ? 'auto' : String(kvType),
      (engine?.usualValues('kv-cache-dtype') ?? []).map(String),
      undefined,
      inFile.get('kv-cache-dtype'),
    );
    const method = flags['quantization'];
    // A flag of the file can be changed here, not taken out of it.
    const isWritten = method !== undefined && !inFile.has('quantization');
    this.#quantization.show(
      method === undefined ? '' : String(method),
      request.model.quantization === undefined ? ['fp8', 'bitsandbytes'] : [],
      isWritten ? undefined : `checkpoint’s: ${request.model.quantization?.method ?? 'none'}`,
      inFile.get('quantization'),
    );
    this.#eager.checked = now.resolved['enforce-eager'] === true;
    showFileValue(this.#eagerNote, inFile.get('enforce-eager'));
  }
}

/** A flag that takes one of a few words. */
class Choices {
  readonly element: HTMLElement;
  readonly #select: HTMLSelectElement;
  readonly #note: HTMLElement;
  #key = '';

  constructor(
    readonly flag: string,
    onSet: (value: string) => void,
  ) {
    this.#note = element('span', { class: 'file-value', id: `${flag}-file` });
    this.#select = element('select', { id: flag, 'aria-describedby': this.#note.id });
    this.#select.addEventListener('change', () => onSet(this.#select.value));
    this.element = element(
      'div',
      { class: 'control' },
      element('label', { for: flag }, flag),
      this.#select,
      this.#note,
    );
  }

  /** `unset`: how the choice not to set it is called; left out where there is none. */
  show(value: string, usual: readonly string[], unset: string | undefined, inFile: string | undefined): void {
    const values = [...new Set([...(unset === undefined ? [] : ['']), ...usual, value])];
    const key = JSON.stringify([values, unset]);
    // Options are made anew only where they differ: an open list stays open.
    if (key !== this.#key) {
      this.#key = key;
      this.#select.replaceChildren(
        ...values.map((one) => element('option', { value: one }, one === '' ? (unset ?? '') : one)),
      );
    }
    this.#select.value = value;
    showFileValue(this.#note, inFile);
  }
}
