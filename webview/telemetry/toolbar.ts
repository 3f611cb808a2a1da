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

/** Everything that the mouse can do to the time axis, as buttons. */
export class Toolbar {
  readonly element: HTMLElement;
  readonly #pause: HTMLButtonElement;
  readonly #live: HTMLButtonElement;
  readonly #length: HTMLSelectElement;
  readonly #speed: HTMLSelectElement;

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
    const lengths = [...new Set([...windowLengths, windowMs])].sort((a, b) => a - b);
    if (this.#length.options.length !== lengths.length)
      this.#length.replaceChildren(
        ...lengths.map((length) =>
          element('option', { value: length }, lengthNames[length] ?? `${Math.round(length / 1000)} s`),
        ),
      );
    this.#length.value = String(windowMs);
  }

  #do(act: () => void): void {
    act();
    this.show();
    this.events.viewChanged();
  }
}
