import { throttleWords } from '../../src/core/device/slowdown.ts';
import type { GpuProcess } from '../../src/protocol/agentTelemetry.ts';
import { element, setText } from '../common/dom.ts';
import { type Formatter, unknownNumber } from '../common/format.ts';
import { markIcon } from '../common/verdict.ts';
import { processLines } from './processWords.ts';
import { type ShownGpu, shortName } from './shownGpu.ts';

/** One GPU at a glance; its box puts it in the charts or takes it out. */
export class Tile {
  readonly element: HTMLElement;
  readonly #box: HTMLInputElement;
  readonly #memory = element('dd');
  readonly #memoryBar = element('div', { class: 'bar', 'aria-hidden': 'true' });
  readonly #memoryFill = element('div', { class: 'bar-fill' });
  readonly #busy = element('dd');
  readonly #power = element('dd');
  readonly #heat = element('dd');
  readonly #throttle = element('p', { class: 'throttle' });
  readonly #errors = element('p', { class: 'memory-errors', hidden: true });
  readonly #processes = element('ul', { class: 'processes', 'aria-label': 'Processes', hidden: true });
  #throttleText = '';
  #processesKey = '';
  #shownErrors = 0;

  constructor(
    shown: ShownGpu,
    readonly host: string,
    isHidden: boolean,
    onToggle: (inCharts: boolean) => void,
  ) {
    this.#box = element('input', { type: 'checkbox', checked: !isHidden, title: 'Show in the charts' });
    this.#box.addEventListener('change', () => onToggle(this.#box.checked));
    this.#memoryBar.append(this.#memoryFill);
    const fact = (name: string, value: HTMLElement) =>
      element('div', { class: 'fact' }, element('dt', {}, name), value);
    const { header } = shown.host;
    this.element = element(
      'li',
      { class: 'tile' },
      element(
        'label',
        { class: 'tile-title' },
        this.#box,
        ` GPU ${shown.gpu.index} · ${shortName(shown.gpu)}`,
      ),
      element(
        'p',
        { class: 'quiet-text' },
        host,
        header?.recorded === true ? element('span', { class: 'tag' }, 'recorded') : null,
      ),
      this.#memoryBar,
      element(
        'dl',
        {},
        fact('Memory', this.#memory),
        fact('Busy', this.#busy),
        fact('Power', this.#power),
        fact('Temperature', this.#heat),
      ),
      this.#throttle,
      this.#errors,
      this.#processes,
    );
  }

  show(shown: ShownGpu, format: Formatter): void {
    const { host, index, gpu } = shown;
    const known = (value: number | null, show: (value: number) => string) =>
      value === null ? unknownNumber : show(value);
    const used = host.now(index, 'memoryUsedBytes');
    setText(
      this.#memory,
      known(used, (bytes) => `${format.gib(bytes)} of ${format.gib(gpu.memoryTotalBytes)} GiB`),
    );
    this.#memoryFill.style.width = `${used === null ? 0 : Math.min(100, (100 * used) / gpu.memoryTotalBytes)}%`;
    const sm = host.now(index, 'smActivePercent');
    const busy = sm ?? host.now(index, 'utilizationPercent');
    setText(
      this.#busy,
      known(busy, (percent) => `${format.significant(percent)} %${sm === null ? '' : ' of SMs'}`),
    );
    const limit = gpu.powerLimitWatts === null ? '' : ` of ${format.count(gpu.powerLimitWatts)}`;
    setText(
      this.#power,
      known(host.now(index, 'powerWatts'), (watts) => `${format.count(watts)}${limit} W`),
    );
    setText(
      this.#heat,
      known(host.now(index, 'temperatureCelsius'), (degrees) => `${format.count(degrees)} °C`),
    );
    this.#showThrottle(throttleWords(host.now(index, 'throttleReasons')));
    this.#showErrors(host.uncorrectedErrors(index) ?? 0, format);
    this.#showProcesses(host.processesNow(index), format);
  }

  /** Said only where there are any. */
  #showErrors(errors: number, format: Formatter): void {
    if (errors === this.#shownErrors) return;
    this.#shownErrors = errors;
    this.#errors.hidden = errors === 0;
    const words = errors === 1 ? 'memory error was not corrected' : 'memory errors were not corrected';
    this.#errors.replaceChildren(markIcon('tight'), ` ${format.count(errors)} ${words} (ECC)`);
  }

  #showProcesses(processes: readonly GpuProcess[] | undefined, format: Formatter): void {
    const lines = processes === undefined ? [] : processLines(processes, format);
    const key = JSON.stringify(lines);
    if (key === this.#processesKey) return;
    this.#processesKey = key;
    this.#processes.hidden = lines.length === 0;
    this.#processes.replaceChildren(
      ...lines.map(({ text, isForeign }) =>
        isForeign
          ? element('li', { class: 'foreign' }, markIcon('tight'), ` ${text}`)
          : element('li', {}, text),
      ),
    );
  }

  #showThrottle(words: readonly string[] | null): void {
    const text =
      words === null
        ? 'throttling not known'
        : words.length > 0
          ? `slowed: ${words.join(', ')}`
          : 'not slowed';
    if (text === this.#throttleText) return;
    this.#throttleText = text;
    this.#throttle.classList.toggle('slowed', words !== null && words.length > 0);
    const mark = words === null ? 'unknown' : words.length > 0 ? 'tight' : 'passed';
    this.#throttle.replaceChildren(markIcon(mark), ` ${text}`);
  }
}
