/** What the user chose on the page. Kept over a reload; all of it for one run, but for the plot. */
import { type Standing, standings } from './cellFigures.ts';
import type { KeptChoice } from './plotChoice.ts';

export interface Choices {
  readonly plot: KeptChoice;
  readonly filter: string;
  /** Kinds of cells that are left out. */
  readonly hiddenKinds: readonly Standing[];
  readonly hiddenCells: readonly string[];
  readonly picked: string | null;
  /** The cell that the picked one is held against. */
  readonly held: string | null;
  readonly comparedRun: string | null;
  /** The time axis is that of the whole run. */
  readonly wholeRun: boolean;
}

export const noChoices: Choices = {
  plot: {},
  filter: '',
  hiddenKinds: [],
  hiddenCells: [],
  picked: null,
  held: null,
  comparedRun: null,
  wholeRun: false,
};

/** Checked: a page of another version may have kept anything. */
export function restoredChoices(kept: unknown): Choices {
  if (typeof kept !== 'object' || kept === null) return noChoices;
  const fields: Partial<Record<keyof Choices, unknown>> = kept;
  const text = (value: unknown) => (typeof value === 'string' ? value : null);
  const list = (value: unknown) =>
    Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];
  const hidden = list(fields.hiddenKinds);
  return {
    plot: typeof fields.plot === 'object' && fields.plot !== null ? fields.plot : {},
    filter: text(fields.filter) ?? '',
    hiddenKinds: standings.filter((one) => hidden.includes(one)),
    hiddenCells: list(fields.hiddenCells),
    picked: text(fields.picked),
    held: text(fields.held),
    comparedRun: text(fields.comparedRun),
    wholeRun: fields.wholeRun === true,
  };
}

/** Of another run the cells are others. */
export function forAnotherRun({ plot }: Choices): Choices {
  return { ...noChoices, plot };
}
