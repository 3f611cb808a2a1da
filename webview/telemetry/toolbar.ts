import { button, element, setAttributes, setText } from '../common/dom.ts';
import { type Replay, replaySpeeds } from './replay.ts';
import { type TelemetryState, windowLengths } from './state.ts';

export interface ToolbarEvents {
  /** The view was changed by the toolbar. */
  viewChanged(): void;
  windowChosen(): void;
}

const lengthNames: Readonly<Record<number, string>> = {
  60000: '1 min',
  300000: '5 min',
  900000: '15 min',
  3600000: '1 h',
  7200000: '2 h',
};

/** Places of the slider. */
const positions = 1000;

/** Everything that the mouse can do to the time axis, as buttons. */
export class Toolbar {
  readonly element: HTMLElement;
  readonly #pause: HTMLButtonElement;
  readonly #live: HTMLButtonElement;
  readonly #length: HTMLSelectElement;
  readonly #speed: HTMLSelectElement;
  readonly #position: HTMLInputElement;
  #lengthsKey = '';

  constructor(
    private readonly state: TelemetryState,
    private readonly replay: Replay,
    private readonly events: ToolbarEvents,
  ) {
    this.#pause = button('Pause', () => this.#do(() => this.pauseOrPlay()), {
      'aria-keyshortcuts': 'Space',
      title: 'Hold the view still; sampling goes on (space)',
    });
    this.#live = button('Live', () => this.#do(() => state.goLive()), {
      title: 'Follow the newest sample (double click)',
    });
    this.#length = element('select', { id: 'window-length' });
    this.#length.addEventListener('change', () => {
      this.state.chooseWindow(Number(this.#length.value));
      this.#do(() => state.goLive());
      this.events.windowChosen();
    });
    this.#position = element('input', {
      type: 'range',
      min: 0,
      max: positions,
      class: 'position',
      'aria-label': 'Place in the recording',
    });
    this.#position.addEventListener('input', () => this.#do(() => this.#seek()));
    this.#speed = element(
      'select',
      { 'aria-label': 'Speed of the replay' },
      ...replaySpeeds.map((speed) =>
        element('option', { value: speed, selected: speed === replay.speed }, `${speed}×`),
      ),
    );
    this.#speed.addEventListener('change', () => {
      this.replay.speed = Number(this.#speed.value);
    });
    const step = (label: string, name: string, act: () => void) =>
      button(label, () => this.#do(act), { 'aria-label': name, title: name });
    this.element = element(
      'div',
      { class: 'tools', role: 'toolbar', 'aria-label': 'Time axis' },
      this.#pause,
      this.#speed,
      this.#position,
      this.#live,
      element('label', { for: 'window-length' }, 'Window'),
      this.#length,
      step('◀', 'Earlier', () => state.moveBy(-0.5)),
      step('▶', 'Later', () => state.moveBy(0.5)),
      step('+', 'Less time, more detail', () => state.zoomBy(0.5)),
      step('−', 'More time, less detail', () => state.zoomBy(2)),
    );
    this.show();
  }

  /** Of what is live a pause; of a recording the replay. */
  pauseOrPlay(): void {
    if (this.state.recording === null) this.state.togglePause();
    else this.replay.toggle(Date.now());
  }

  show(): void {
    const { view, paused, windowMs, recording } = this.state;
    this.#speed.hidden = recording === null;
    if (recording === null) {
      setText(this.#pause, paused ? 'Resume' : 'Pause');
      setAttributes(this.#pause, { 'aria-pressed': paused });
    } else {
      setText(this.#pause, this.replay.isPlaying ? 'Stop' : 'Play');
      setAttributes(this.#pause, {
        'aria-pressed': this.replay.isPlaying,
        title: 'Move through the recording as time did (space)',
      });
      setText(this.#live, 'All');
      setAttributes(this.#live, { title: 'Show the whole recording (double click)' });
    }
    this.#live.disabled = view.kind === 'live';
    this.#showLength(view.kind === 'fixed' ? view.toMs - view.fromMs : windowMs);
    this.#showPosition();
  }

  /** What is shown, also where it is none of the lengths that are offered. */
  #showLength(shownMs: number): void {
    const shown = Math.round(shownMs);
    const lengths = [...new Set([...windowLengths, this.state.windowMs, shown])].sort((a, b) => a - b);
    const key = lengths.join();
    if (key !== this.#lengthsKey) {
      this.#lengthsKey = key;
      this.#length.replaceChildren(
        ...lengths.map((length) =>
          element('option', { value: length }, lengthNames[length] ?? secondsWords(length)),
        ),
      );
    }
    this.#length.value = String(shown);
  }

  /** Where in a recording the window ends. */
  #showPosition(): void {
    const { recording, oldestMs, newestMs, window } = this.state;
    this.#position.hidden = recording === null || !Number.isFinite(newestMs);
    if (this.#position.hidden) return;
    const [whole, at] = [Math.max(1, newestMs - oldestMs), window.toMs - oldestMs];
    setAttributes(this.#position, { 'aria-valuetext': `${secondsWords(at)} of ${secondsWords(whole)}` });
    this.#position.value = String(Math.round((positions * at) / whole));
  }

  /** All of the recording has no place in it: a window as it is played with is looked through. */
  #seek(): void {
    const { state } = this;
    const { oldestMs, newestMs } = state;
    if (this.replay.isPlaying) this.replay.toggle(Date.now());
    const lengthMs = this.replay.lengthMs;
    const toMs = oldestMs + ((newestMs - oldestMs) * Number(this.#position.value)) / positions;
    state.zoomTo(toMs - lengthMs, toMs);
  }

  #do(act: () => void): void {
    act();
    this.show();
    this.events.viewChanged();
  }
}

/** `57 s`, `0.4 s`. */
function secondsWords(ms: number): string {
  const seconds = ms / 1000;
  return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
}
