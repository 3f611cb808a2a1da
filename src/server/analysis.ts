/** Documents -> estimates, one per deployment: what every feature shows. */

import { TextDocument } from 'vscode-languageserver-textdocument';
import type { Calibration } from '../core/calibration/calibration.ts';
import { closestDeviceName } from '../core/device/catalogue.ts';
import type { Deployment } from '../core/engine/deployment.ts';
import { draftOf } from '../core/engine/vllm/draftModel.ts';
import { hfOverrides } from '../core/engine/vllm/hfOverrides.ts';
import type { EstimateRequest } from '../core/estimate/types.ts';
import { unknownEstimate } from '../core/estimate/unknown.ts';
import { distinctProblems, type Problem } from '../core/result.ts';
import type { LiveTarget, ServerSettings } from '../protocol/lsp.ts';
import type { LocatedDeployment } from '../text/located.ts';
import { type ChosenTarget, chooseTarget } from '../text/target.ts';
import { estimateBlocker } from '../text/unresolved.ts';
import type { CalibrationStore } from './calibrations.ts';
import type { AnalysedDeployment, DocumentAnalysis } from './documentAnalysis.ts';
import type { DeploymentCache } from './documents.ts';
import { EstimateCache } from './estimateCache.ts';
import { liveFigures } from './liveTargets.ts';
import { messages } from './messages.ts';
import type { ModelResolver } from './modelResolver.ts';
import type { SettingsStore } from './settings.ts';

interface EstimatedWith {
  readonly settings: ServerSettings;
  readonly calibration: Calibration | undefined;
  readonly cache: EstimateCache;
}

/** Where no GPU was named: the lens offers to choose one. */
export const gpuNotChosen = 'gpu.not-chosen';

export class Analyser {
  readonly #documents: DeploymentCache;
  readonly #models: ModelResolver;
  readonly #settings: SettingsStore;
  readonly #calibrations: CalibrationStore;
  readonly #estimated = new Map<string, EstimateCache>();
  /** The probed host that estimates are for; `clear` when it is another. */
  liveTarget: LiveTarget | null = null;
  readonly #done = new Map<
    string,
    {
      readonly document: TextDocument;
      readonly version: number;
      readonly value: Promise<DocumentAnalysis | undefined>;
    }
  >();

  constructor(
    documents: DeploymentCache,
    models: ModelResolver,
    settings: SettingsStore,
    calibrations: CalibrationStore,
  ) {
    this.#documents = documents;
    this.#models = models;
    this.#settings = settings;
    this.#calibrations = calibrations;
  }

  /** The analysis of the document as it is now; undefined where it is none of our business. Asked twice, done once. */
  of(document: TextDocument): Promise<DocumentAnalysis | undefined> {
    const known = this.#done.get(document.uri);
    if (known && known.document === document && known.version === document.version) return known.value;
    const value = this.#analyse(document);
    this.#done.set(document.uri, { document, version: document.version, value });
    return value;
  }

  /** Settings or models changed: everything is worked out anew when asked. */
  clear(): void {
    this.#done.clear();
  }

  forget(uri: string): void {
    this.#done.delete(uri);
    this.#estimated.delete(uri);
    this.#documents.forget(uri);
  }

  async #analyse(document: TextDocument): Promise<DocumentAnalysis | undefined> {
    const found = this.#documents.of(document);
    if (!found) return undefined;
    // Before the first await: the document changes in place.
    const { uri, languageId, version } = document;
    const snapshot = TextDocument.create(uri, languageId, version, document.getText());
    const settings = await this.#settings.of(uri);
    const calibration = await this.#calibrations.of(uri);
    const cache = this.#estimated.get(uri) ?? new EstimateCache();
    this.#estimated.set(uri, cache);
    cache.turn();
    const deployments = await Promise.all(
      found.deployments.map((located, index) => {
        const line = snapshot.positionAt(located.range.start).line + 1;
        const source = `${fileName(uri)}:${line}`;
        return this.#estimateOne(located, index, source, uri, { settings, calibration, cache });
      }),
    );
    return { snapshot, settings, deployments, problems: found.problems };
  }

  async #estimateOne(
    located: LocatedDeployment,
    index: number,
    source: string,
    uri: string,
    { settings, calibration, cache }: EstimatedWith,
  ): Promise<AnalysedDeployment> {
    const target = targetOf(located, settings, this.liveTarget);
    const gpuCount = target.gpuCount ?? settings.gpuCount;
    const live = liveFigures(
      this.liveTarget,
      target.device,
      located.deployment,
      gpuCount,
      located.hint?.gpuIds,
    );
    const unknown = (
      problem: Problem,
      onAnyGpu: AnalysedDeployment['onAnyGpu'] = null,
    ): AnalysedDeployment => ({
      index,
      located,
      request: null,
      readable: onAnyGpu && target.device ? { ...onAnyGpu, device: target.device } : null,
      onAnyGpu,
      target,
      live,
      estimate: unknownEstimate(source, problem),
    });
    const deployment = withVersion(located.deployment, live?.engineVersion, settings);
    const blocking = estimateBlocker(located);
    if (blocking && !isOfFlag(blocking)) return unknown(blocking);
    if (deployment.model === undefined) return unknown(blocking ?? messages.noModel());
    const model = await this.#models.resolve(deployment.model, uri, modelOptions(deployment));
    if (!model.ok) {
      return unknown(blocking ?? model.problems[0] ?? messages.noModel());
    }
    const onAnyGpu = {
      source,
      deployment: blocking ? withoutUnread(deployment, located) : deployment,
      model: model.value,
      ...draftOf(deployment),
      gpuCount,
      ...(calibration === undefined ? {} : { calibration }),
    };
    const problem = blocking ?? targetProblem(target);
    if (problem || !target.device) return unknown(problem ?? messages.gpuNotChosen(gpuNotChosen), onAnyGpu);
    const { cudaTotalBytes, freeBytes } = live ?? {};
    const request: EstimateRequest = {
      ...onAnyGpu,
      device: target.device,
      ...(cudaTotalBytes === undefined ? {} : { cudaTotalBytes }),
      ...(freeBytes === undefined ? {} : { freeBytes }),
    };
    const estimated = cache.of(request);
    const few = live && live.gpuCount < gpuCount ? [messages.tooFewOnHost(live, gpuCount)] : [];
    const warnings = distinctProblems(model.warnings, estimated.warnings, few);
    const estimate = { ...estimated, warnings };
    return { index, located, request, readable: request, onAnyGpu, target, live, estimate };
  }
}

function isOfFlag({ path = [] }: Problem): boolean {
  return path[0] === 'flags';
}

function withoutUnread(deployment: Deployment, { unresolved = [] }: LocatedDeployment): Deployment {
  const unread = new Set(unresolved.map(({ flag }) => flag));
  const flags = Object.entries(deployment.flags).filter(([flag]) => !unread.has(flag));
  return { ...deployment, flags: Object.fromEntries(flags) };
}

/** `--revision` and `--hf-overrides`, as the engine takes them. */
function modelOptions({ flags }: Deployment): { readonly revision?: string; readonly overrides?: string } {
  const revision = Object.hasOwn(flags, 'revision') ? flags['revision'] : undefined;
  const overrides = hfOverrides(flags);
  return {
    ...(typeof revision === 'string' ? { revision } : {}),
    ...(overrides === undefined ? {} : { overrides }),
  };
}

/** The setting's version is one of vLLM; the one found on the host is of this very engine. */
function withVersion(
  deployment: Deployment,
  found: string | undefined,
  { engineVersion }: ServerSettings,
): Deployment {
  const assumed = found ?? (deployment.engine === 'vllm' ? engineVersion : null);
  return deployment.engineVersion !== undefined || assumed === null
    ? deployment
    : { ...deployment, engineVersion: assumed };
}

/** What the document says wins over the probed host, and that over the settings. */
function targetOf(
  located: LocatedDeployment,
  { gpu, gpuCount }: ServerSettings,
  live: LiveTarget | null,
): ChosenTarget {
  return chooseTarget(located, { gpu: live?.gpu ?? gpu ?? undefined, gpuCount });
}

/** Undefined where the GPU is known. */
function targetProblem({ device, gpu, from }: ChosenTarget): Problem | undefined {
  if (gpu === undefined) return messages.gpuNotChosen(gpuNotChosen);
  return device ? undefined : messages.gpuUnknown(gpu, from === 'comment', closestDeviceName(gpu));
}

/** Last part of a URI's path, decoded: `serve.yaml`; of `untitled:Untitled-1` too. */
function fileName(uri: string): string {
  const path = uri.replace(/[?#].*$/, '');
  const name = /[^/:]*$/.exec(path)?.[0] ?? path;
  try {
    return decodeURIComponent(name);
  } catch {
    // A `%` that encodes nothing belongs to the name.
    return name;
  }
}
