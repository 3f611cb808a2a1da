import { setText } from '../common/dom.ts';

/** What the file says, beside a control that says otherwise. */
export function showFileValue(note: HTMLElement, inFile: string | undefined): void {
  setText(note, inFile === undefined ? '' : `changed; in the file: ${inFile}`);
}
