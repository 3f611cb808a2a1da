import { findDevice } from '../../src/core/device/catalogue.ts';
import { jobWords } from '../../src/core/sweep/jobs.ts';
import type { RunProgress } from '../../src/core/sweep/progress.ts';
import type { RunResults } from '../../src/core/sweep/run.ts';
import type { FromSweep } from '../../src/protocol/panel.ts';
import { button, element, setAttributes, setText } from '../common/dom.ts';
import type { Formatter } from '../common/format.ts';
import { VerdictLine } from '../common/verdict.ts';
import { actions, headline, type SweepState } from './state.ts';

/** The answer in a sentence; which run it is of, how far it is, and what is to be known of it. */
export class SweepHeader {
  readonly elements: readonly HTMLElement[];
  readonly #title = element('h1', {}, 'Sweep');
  readonly #simulated = element('span', { class: 'tag tag-simulated', hidden: true }, 'simulated');
  readonly #foreign = element('span', { class: 'tag', hidden: true });
  readonly #subtitle = element('p', { class: 'quiet-text' });
  readonly #verdict = new VerdictLine();
  readonly #notices = element('div', { class: 'notices' });
  readonly #progress = element('section', { class: 'progress', 'aria-label': 'Progress', hidden: true });
  readonly #progressBar = element('progress', { 'aria-label': 'Cells done' });
  readonly #progressText = element('p');
  readonly #cancel: HTMLButtonElement;
  readonly #resume: HTMLButtonElement;
  readonly #report: HTMLButtonElement;
  #noticesKey = '';

  constructor(post: (message: FromSweep) => void) {
    this.#cancel = button('Cancel run', () => post({ type: 'cancel' }));
    this.#resume = button('Resume run', () => post({ type: 'resume' }), { class: 'primary' });
    this.#report = button('Open report', () => post({ type: 'report' }));
    this.#progress.append(this.#progressBar, this.#progressText);
    this.#verdict.element.hidden = true;
    this.elements = [
      element(
        'header',
        { class: 'panel-header' },
        element('div', { class: 'title' }, this.#title, this.#simulated, this.#foreign),
        element('div', { class: 'tools' }, this.#cancel, this.#resume, this.#report),
        this.#subtitle,
      ),
      this.#verdict.element,
      this.#notices,
      this.#progress,
    ];
    this.#showActions(null);
  }

  show(state: SweepState, format: Formatter): void {
    const { results } = state;
    this.#showNotices(state);
    this.#showActions(results);
    this.#showProgress(state.progress, format);
    this.#verdict.element.hidden = results === null;
    this.#simulated.hidden = results?.mode !== 'rehearsal';
    this.#foreign.hidden = results?.origin === undefined;
    if (results === null) {
      setText(this.#title, 'Sweep');
      setText(this.#subtitle, '');
      return;
    }
    setText(this.#title, results.name);
    setText(this.#foreign, results.origin === undefined ? '' : `measured by ${results.origin.tool}`);
    setText(this.#subtitle, subtitle(results));
    const { mark, word, sentence } = headline(results);
    this.#verdict.show(mark, word, sentence);
  }

  #showNotices({ connection, results, incompatible }: SweepState): void {
    const origin = results?.origin;
    const lists = [results?.warnings ?? [], origin?.notes ?? []];
    const key = JSON.stringify([incompatible, connection, lists]);
    if (key === this.#noticesKey) return;
    this.#noticesKey = key;
    const notices: HTMLElement[] = [];
    if (incompatible)
      notices.push(
        element(
          'p',
          { class: 'notice notice-failed' },
          'This panel and the extension are of different versions. Reload the window.',
        ),
      );
    if (connection !== null)
      notices.push(
        element(
          'p',
          { class: 'notice', id: 'connection-lost' },
          element('strong', {}, 'Connection lost. '),
          `${connection} The run itself goes on on its host; below is what was known until then.`,
        ),
      );
    const [warnings = [], definitions = []] = lists;
    if (warnings.length > 0) notices.push(listNotice('', warnings));
    if (definitions.length > 0)
      notices.push(
        listNotice(`How ${origin?.tool ?? 'the tool'} counts, and what its file lacks:`, definitions),
      );
    this.#notices.hidden = notices.length === 0;
    this.#notices.replaceChildren(...notices);
  }

  #showActions(results: RunResults | null): void {
    const possible = results === null ? { cancel: false, resume: false, report: false } : actions(results);
    this.#cancel.hidden = !possible.cancel;
    this.#resume.hidden = !possible.resume;
    this.#report.hidden = !possible.report;
  }

  #showProgress(progress: RunProgress | null, format: Formatter): void {
    this.#progress.hidden = progress === null;
    if (progress === null) return;
    setAttributes(this.#progressBar, { max: Math.max(1, progress.total), value: progress.completed });
    setText(this.#progressText, progressWords(progress, format));
  }
}

/** Of many warnings the rest waits behind a click: the answer is not pushed out of sight. */
const shownAtOnce = 4;

function listNotice(title: string, texts: readonly string[]): HTMLElement {
  const items = (some: readonly string[]) =>
    element('ul', {}, ...some.map((text) => element('li', {}, text)));
  const rest = texts.slice(shownAtOnce);
  return element(
    'div',
    { class: 'notice' },
    title === '' ? null : element('p', {}, title),
    items(texts.slice(0, shownAtOnce)),
    rest.length === 0
      ? null
      : element('details', {}, element('summary', {}, `${rest.length} more`), items(rest)),
  );
}

function subtitle(results: RunResults): string {
  const unverified = results.engine.support?.verified === null ? '(unverified)' : '';
  const engine = [results.engine.name, results.engine.version ?? 'version not known', unverified]
    .filter((part) => part !== '')
    .join(' ');
  const device = findDevice(results.device)?.label ?? results.device;
  return [results.model, engine, device, results.host].filter((part) => part !== '').join(' · ');
}

function progressWords(progress: RunProgress, format: Formatter): string {
  const left =
    progress.remainingSeconds === null
      ? 'time left not known'
      : `about ${format.duration(progress.remainingSeconds)} left`;
  return [
    `${progress.completed} of ${progress.total} cells done`,
    progress.cell === null ? '' : `now ${progress.cell}`,
    progress.phase ?? '',
    ...(progress.underWay.length === 1 ? progress.underWay : []).map(
      ({ elapsedSeconds, expectedSeconds }) =>
        `${format.duration(elapsedSeconds)} of about ${format.duration(expectedSeconds)}`,
    ),
    progress.jobs === undefined ? '' : jobWords(progress.jobs),
    `${format.duration(progress.elapsedSeconds)} gone`,
    left,
  ]
    .filter((part) => part !== '')
    .join(' · ');
}
