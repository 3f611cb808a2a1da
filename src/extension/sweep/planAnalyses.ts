/** A plan in an editor, parsed and expanded, once for each version of its text. */
import { l10n, type TextDocument } from 'vscode';
import { findDevice } from '../../core/device/catalogue.ts';
import { findEngine } from '../../core/engine/engines.ts';
import type { Problem } from '../../core/result.ts';
import { type ExpandedPlan, expandSweep } from '../../core/sweep/cells.ts';
import type { PlanContext } from '../../core/sweep/planContext.ts';
import type { SweepPlan } from '../../core/sweep/planSchema.ts';
import { type PlanPreview, planPreview } from '../../core/sweep/preview.ts';
import { asRehearsed } from '../../core/sweep/schedule.ts';
import { type UnfitPlace, unfitPlaces } from '../../core/sweep/unfitPlaces.ts';
import { engineLaunch, launchText } from '../../protocol/engineLaunch.ts';
import type { LocatedProblem } from '../../text/located.ts';
import { locateProblem, type ParsedSweepPlan, parseSweepPlan } from '../../text/sweepPlan.ts';
import { planSurroundings } from './planSurroundings.ts';

export interface PlanAnalysis {
  readonly parsed: ParsedSweepPlan;
  /** Undefined where the plan has a problem. */
  readonly expanded: ExpandedAnalysis | undefined;
  /** What stands in the way of expanding it, beside what its text says. */
  readonly problems: readonly LocatedProblem[];
  /** Why cells have no prediction. */
  readonly warnings: readonly LocatedProblem[];
}

export interface ExpandedAnalysis {
  readonly plan: SweepPlan;
  readonly context: PlanContext;
  readonly measured: ExpandedPlan;
  readonly preview: PlanPreview;
  /** Null where the plan cannot be rehearsed. */
  readonly rehearsal: PlanPreview | null;
  readonly unfit: readonly UnfitPlace[];
}

export class PlanAnalyses {
  readonly #known = new WeakMap<TextDocument, { version: number; analysis: Promise<PlanAnalysis> }>();
  readonly #parsed = new WeakMap<TextDocument, { version: number; parsed: ParsedSweepPlan }>();

  /** What the text alone says, at once. */
  parsed(document: TextDocument): ParsedSweepPlan {
    const known = this.#parsed.get(document);
    if (known?.version === document.version) return known.parsed;
    const parsed = parseSweepPlan(document.getText());
    this.#parsed.set(document, { version: document.version, parsed });
    return parsed;
  }

  /** With what stands around it: model, trace files, earlier starts. */
  of(document: TextDocument): Promise<PlanAnalysis> {
    const known = this.#known.get(document);
    if (known?.version === document.version) return known.analysis;
    const analysis = analyse(document, this.parsed(document));
    this.#known.set(document, { version: document.version, analysis });
    return analysis;
  }

  /** Runs have ended or a log was read: start-up times are known better. */
  forget(document: TextDocument): void {
    this.#known.delete(document);
  }
}

async function analyse(document: TextDocument, parsed: ParsedSweepPlan): Promise<PlanAnalysis> {
  if (!parsed.result.ok) return { parsed, expanded: undefined, problems: [], warnings: [] };
  const plan = parsed.result.value;
  const text = document.getText();
  const around = await planSurroundings(plan, document.uri);
  if (!around.ok) {
    const problems = around.problems.map((problem) => locateProblem(text, problem));
    return { parsed, expanded: undefined, problems, warnings: [] };
  }
  const device = (plan.gpu === undefined ? undefined : findDevice(plan.gpu)) ?? null;
  const context: PlanContext = { ...around.value, mode: 'measured', device };
  const measured = expandSweep(plan, context);
  if (!measured.ok) {
    const problems = measured.problems.map((problem) => locateProblem(text, problem));
    return { parsed, expanded: undefined, problems, warnings: [] };
  }
  const about = { device: device?.id ?? null, hosts: plan.hosts };
  const launches = new Map(
    measured.value.cells.filter(({ skipped }) => !skipped).map((cell) => [cell.engineKey, cell]),
  );
  const commands = [...launches.values()].flatMap(
    (cell) => launchText(engineLaunch(plan, cell, context)) ?? [],
  );
  const canRehearse = measured.value.cells.some(({ prediction, skipped }) => prediction !== null && !skipped);
  return {
    parsed,
    problems: [],
    warnings: unpredicted(plan, context).map((problem) => locateProblem(text, problem)),
    expanded: {
      plan,
      context,
      measured: measured.value,
      preview: planPreview(plan, measured.value, { ...about, mode: 'measured' }, commands),
      rehearsal: canRehearse
        ? planPreview(plan, asRehearsed(measured.value), { ...about, mode: 'rehearsal' }, [])
        : null,
      unfit: unfitPlaces(plan, measured.value.cells),
    },
  };
}

/** What predictions lack. An engine that is not estimated is said by the parser. */
function unpredicted(plan: SweepPlan, { device, model }: PlanContext): Problem[] {
  if (findEngine(plan.engine.name)?.isServer !== true) return [];
  const problems: Problem[] = [];
  if (plan.gpu === undefined) {
    const message = l10n.t(
      'No cell has a prediction before the host is asked: add gpu, such as h100-sxm-80gb.',
    );
    problems.push({ code: 'plan.gpu-missing', message, path: ['hosts'] });
  } else if (device === null) {
    const message = l10n.t('The GPU "{0}" is not known, so no cell has a prediction.', plan.gpu);
    problems.push({ code: 'plan.gpu-unknown', message, path: ['gpu'] });
  }
  if (model === null) {
    const message = l10n.t('Nothing is known of the model "{0}", so no cell has a prediction.', plan.model);
    problems.push({ code: 'plan.model-unknown', message, path: ['model'] });
  }
  return problems;
}
