import { allDevices } from '../../src/core/device/catalogue.ts';
import { engineNames, findEngine } from '../../src/core/engine/engines.ts';
import type { EstimateRequest } from '../../src/core/estimate/types.ts';
import { element } from '../common/dom.ts';
import type { CalculatorState, Choice } from './state.ts';

const wholeGpus: ReadonlyMap<string, string> = new Map(allDevices().map(({ id, label }) => [id, label]));
const slices: ReadonlyMap<string, string> = new Map(
  allDevices().flatMap(({ id, label, migProfiles = [] }) =>
    migProfiles.map(({ name }): [string, string] => [`${id}:mig-${name}`, `${label} MIG ${name}`]),
  ),
);

/** Model, GPU, how many of them, engine version. */
export class Selectors {
  readonly element: HTMLElement;
  readonly #model = element('select', { id: 'model' });
  readonly #device = element('select', { id: 'device' });
  readonly #gpuCount = element('select', { id: 'gpu-count' });
  readonly #version = element('select', { id: 'engine-version' });
  #ownEngine = false;

  constructor(onChoose: (choice: Choice) => void) {
    this.#model.addEventListener('change', () => onChoose({ model: this.#model.value }));
    this.#device.addEventListener('change', () => onChoose({ device: this.#device.value }));
    this.#gpuCount.addEventListener('change', () => onChoose({ gpuCount: Number(this.#gpuCount.value) }));
    this.#version.addEventListener('change', () => {
      const [engine = '', engineVersion = ''] = this.#version.value.split(' ');
      // The file's engine is the file's.
      onChoose(this.#ownEngine ? { engine, engineVersion } : { engineVersion });
    });
    const field = (label: string, select: HTMLSelectElement) =>
      element('span', { class: 'field' }, element('label', { for: select.id }, label), select);
    this.element = element(
      'div',
      { class: 'selectors' },
      field('Model', this.#model),
      field('GPU', this.#device),
      field('×', this.#gpuCount),
      field('Engine', this.#version),
    );
    this.#gpuCount.setAttribute('aria-label', 'Number of GPUs');
  }

  show({ base, choice, models }: CalculatorState, request: EstimateRequest | null): void {
    const model = choice.model ?? base?.model.id;
    fill(
      this.#model,
      [
        ...(base === null ? [] : [base.model.id]),
        ...(choice.model === undefined ? [] : [choice.model]),
        ...(models?.names ?? []),
      ],
      model,
      'Choose a model',
    );
    const devices = new Map([...wholeGpus, ...slices]);
    if (base !== null) devices.set(base.device.id, base.device.label);
    const device = choice.device ?? base?.device.id;
    fill(
      this.#device,
      [...devices.keys()],
      device,
      'Choose a GPU',
      (id) => devices.get(id) ?? id,
      (id) => (slices.has(id) ? 'MIG slices' : 'GPUs'),
    );
    const gpuCount = String(request?.gpuCount ?? choice.gpuCount ?? 1);
    fill(this.#gpuCount, ['1', '2', '4', '8', '16', gpuCount], gpuCount, undefined);
    this.#ownEngine = base === null;
    const name = base?.deployment.engine ?? choice.engine ?? 'vllm';
    const written = base?.deployment.engineVersion;
    const version = choice.engineVersion ?? written ?? findEngine(name)?.defaultVersion;
    const engines = base === null ? engineNames() : [name];
    const releases = engines.flatMap((one) =>
      (findEngine(one)?.supportedVersions ?? []).map((release) => `${one} ${release}`),
    );
    fill(
      this.#version,
      [
        ...releases,
        ...(written === undefined ? [] : [`${name} ${written}`]),
        ...(version === undefined ? [] : [`${name} ${version}`]),
      ],
      version === undefined ? undefined : `${name} ${version}`,
      undefined,
      (value) => {
        const [one = '', release = ''] = value.split(' ');
        return `${findEngine(one)?.label ?? one} ${release}`;
      },
    );
  }
}

/** Options are made anew only where they differ: an open list stays open. */
function fill(
  select: HTMLSelectElement,
  values: readonly string[],
  selected: string | undefined,
  prompt: string | undefined,
  label: (value: string) => string = (value) => value,
  groupOf?: (value: string) => string,
): void {
  const options = [...new Set(values)];
  const key = JSON.stringify([options, selected === undefined]);
  if (select.dataset['options'] !== key) {
    select.dataset['options'] = key;
    const made = options.map((value) => element('option', { value }, label(value)));
    select.replaceChildren(
      ...(selected === undefined && prompt !== undefined
        ? [element('option', { value: '', disabled: true }, prompt)]
        : []),
      ...(groupOf === undefined ? made : grouped(made, groupOf)),
    );
  }
  select.value = selected ?? '';
}

function grouped(
  options: readonly HTMLOptionElement[],
  groupOf: (value: string) => string,
): readonly HTMLOptGroupElement[] {
  const groups = new Map<string, HTMLOptGroupElement>();
  for (const option of options) {
    const label = groupOf(option.value);
    const group = groups.get(label) ?? element('optgroup', { label });
    groups.set(label, group);
    group.append(option);
  }
  return [...groups.values()];
}
