/**
 * Every sentence that the server shows, with hoverMessages.ts and completionMessages.ts: these are the files to translate. Numbers come in as numbers and
 * are formatted here. Sentences of core (verdict reasons, effects of fixes) come in whole.
 */
import type { FlagValue } from '../core/engine/deployment.ts';
import type { DeploymentEstimate, Fix, VerdictOutcome } from '../core/estimate/types.ts';
import type { Problem } from '../core/result.ts';
import { formatCount, GiB } from '../core/units.ts';
import type { LiveFigures } from './liveTargets.ts';
import type { GpuShare } from './sharedGpus.ts';

export const verdictMarks: Readonly<Record<VerdictOutcome, string>> = {
  fits: '✔',
  tight: '⚠',
  'does-not-fit': '✖',
  unknown: '?',
};

export const verdictWords: Readonly<Record<VerdictOutcome, string>> = {
  fits: 'fits',
  tight: 'tight',
  'does-not-fit': 'does not fit',
  unknown: 'not known',
};

/** Bytes as a plain GiB figure with one decimal: `139.8`. */
function gib(bytes: number): string {
  return (bytes / GiB).toFixed(1);
}

export function verdictHead(outcome: VerdictOutcome): string {
  return `${verdictMarks[outcome]} ${verdictWords[outcome]}`;
}

export function onGpus(label: string, count: number): string {
  return count === 1 ? label : `${count} × ${label}`;
}

export function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** `112.5×`. */
export function times(concurrency: number): string {
  return `${concurrency < 10 ? concurrency.toFixed(2) : concurrency.toFixed(1)}×`;
}

function withoutFullStop(text: string): string {
  return text.replace(/\.$/, '');
}

/** As one reads it: numbers grouped, lists with blanks. */
export function flagValue(value: FlagValue): string {
  if (typeof value === 'number') return Number.isInteger(value) ? formatCount(value) : String(value);
  return Array.isArray(value) ? value.join(' ') : String(value);
}

/** `57x at 8,192 tokens (tight)` -> ` (→ 57× at 8,192 tokens, tight)`. */
function effectOf({ effect }: Fix): string {
  if (effect === '') return '';
  return ` (→ ${withoutFullStop(effect)
    .replace(/(\d)x\b/g, '$1×')
    .replace(/ \((\w+)\)$/, ', $1')})`;
}

/** What comes before a semicolon: the cause without the advice, which the quick fixes give. */
function firstClause(reason: string): string {
  return withoutFullStop(reason.split(';', 1)[0] ?? reason);
}

export const messages = {
  // The lens: one line, the answer first.
  lens(
    estimate: DeploymentEstimate,
    deviceLabel: string,
    more: {
      readonly shares: readonly GpuShare[];
      readonly isMeasured: boolean;
      readonly liveHost: string | undefined;
    },
  ): string {
    const { verdict, kv, perRank } = estimate;
    const head = `${verdictHead(verdict.outcome)} ${onGpus(deviceLabel, estimate.gpuCount)}`;
    const fullest = perRank.toSorted((a, b) => a.availableKvBytes - b.availableKvBytes)[0];
    const together = more.shares.map(
      ({ gpu, deployments, requestedBytes, totalBytes }) =>
        `${deployments.length} share GPU ${gpu}: ${requestedBytes > totalBytes ? `${verdictMarks['does-not-fit']} ` : ''}${gib(requestedBytes)} of ${gib(totalBytes)} GiB`,
    );
    const live = more.liveHost === undefined ? [] : [`live from ${more.liveHost}`];
    if (verdict.outcome === 'does-not-fit' || !fullest) {
      return [head, firstClause(verdict.reason), ...together, ...live].join(' · ');
    }
    const weights = fullest.terms.find(({ id }) => id === 'weights')?.bytes ?? 0;
    const perGpu = perRank.length > 1 ? ' a GPU' : '';
    return [
      head,
      `${kv.maxConcurrency.toFixed(1)}× at ${formatCount(kv.maxModelLen)} tokens`,
      `KV ${formatCount(kv.tokens)} tokens`,
      `weights ${gib(weights)} of ${gib(fullest.totalBytes)} GiB${perGpu}`,
      ...together,
      ...live,
      ...(more.isMeasured ? ['measured'] : []),
    ].join(' · ');
  },
  lensUnknown: (reason: string) => `${verdictHead('unknown')} · ${firstClause(reason)}`,
  lensModelNotFound: (model: string) => `${verdictHead('unknown')} · no config.json of ${model} found`,
  lensChooseGpu: () => `${verdictHead('unknown')} · choose a GPU`,

  // Why an estimate cannot be made.
  gpuNotChosen: (code: string): Problem => ({
    code,
    message: 'no GPU is chosen: choose one, or write # loadline: gpu=<name> above this.',
  }),
  gpuUnknown: (gpu: string, inDocument: boolean, nearest: string | undefined): Problem => {
    const subject = `the GPU "${gpu}"${inDocument ? '' : ' of the setting loadline.gpu'} is not in Loadline's catalogue`;
    const advice = inDocument
      ? 'write an id such as h100-sxm-80gb, or the name that nvidia-smi -L prints'
      : 'choose another';
    const message = nearest === undefined ? `${subject}: ${advice}.` : `${subject}; did you mean ${nearest}?`;
    return { code: 'gpu.unknown', message };
  },
  modelNotKnownYet: (model: string): Problem => ({
    code: 'model.not-known-yet',
    message: `the facts of "${model}" are still being read; the answer comes by itself.`,
  }),
  tooFewOnHost: (live: LiveFigures, wanted: number): Problem => ({
    code: 'gpu.too-few-on-host',
    message: `${live.host} has ${live.gpuCount} of these GPUs, and this is estimated for ${wanted}.`,
  }),
  noModel: (): Problem => ({ code: 'model.not-named', message: 'no model is named here.' }),
  alsoArguments: (text: string) =>
    `\`${text}\` may add arguments that only a run can say: the estimate leaves them out.`,

  // Diagnostics.
  doesNotFit: (estimate: DeploymentEstimate, deviceLabel: string) =>
    `Does not fit ${onGpus(deviceLabel, estimate.gpuCount)}: ${sentence(estimate.verdict.reason)}`,
  tight: (estimate: DeploymentEstimate, deviceLabel: string) =>
    `Tight on ${onGpus(deviceLabel, estimate.gpuCount)}: ${sentence(estimate.verdict.reason)}`,
  sharedTooFar: (share: GpuShare) =>
    `Together the ${share.deployments.length} deployments on GPU ${share.gpu} ask for ${gib(share.requestedBytes)} GiB, and the ${share.device.label} has ${gib(share.totalBytes)}: the last to start finds too little free. Lower gpu-memory-utilization here or there.`,
  /** A reason as a sentence of its own. Names of flags keep their case. */
  problem: (text: string) =>
    text.replace(/^(?:an?|the|no|flags)\b/, (word) => word.charAt(0).toUpperCase() + word.slice(1)),

  // Quick fixes.
  setFlag: (fix: Fix) => {
    const [first, ...others] = [fix, ...(fix.also ?? [])].map(({ flag, to }) =>
      typeof to === 'boolean' ? `${to ? 'Set' : 'Unset'} --${flag}` : `Set --${flag} ${flagValue(to)}`,
    );
    const rest = others.map((text) => ` and ${text.charAt(0).toLowerCase()}${text.slice(1)}`);
    return `${first}${rest.join('')}${effectOf(fix)}`;
  },
  giveGpus: ({ verdict, kv, gpuCount }: DeploymentEstimate) =>
    `Give it ${gpuCount} GPUs (→ ${verdictWords[verdict.outcome]}, ${times(kv.maxConcurrency)} at ${formatCount(kv.maxModelLen)} tokens)`,
  replaceBy: (text: string) => `Replace by ${text}`,
  removeFlag: (flag: string) => `Remove --${flag}`,
  removeEarlier: (flag: string) => `Remove this --${flag}, which the one below overrides`,
  nameGpu: (id: string) => `Name the GPU ${id}`,
  share: (flag: string, to: number, togetherBytes: number, totalBytes: number) =>
    `Set --${flag} ${to} (→ together ${gib(togetherBytes)} of ${gib(totalBytes)} GiB)`,

  // Inlay hints.
  hintWeights: (bytes: number, isSplit: boolean) =>
    `weights ${(bytes / GiB).toFixed(2)} GiB${isSplit ? ' a GPU' : ''}`,
  hintKv: (tokens: number) => `KV ${formatCount(tokens)} tokens`,
  hintConcurrency: ({ kv }: DeploymentEstimate) =>
    kv.maxConcurrency < 1
      ? `one fits up to ${formatCount(kv.largestMaxModelLen)}`
      : `${times(kv.maxConcurrency)} at once`,
  hintAuto: (value: FlagValue) => `= ${flagValue(value)}`,
  hintResolved: (resolved: Readonly<Record<string, FlagValue>>) =>
    Object.entries(resolved)
      .map(([flag, value]) => `${flag} ${flagValue(value)}`)
      .join('\n'),
};
