/** What a load profile asks of an engine, in figures and in words. */
import type { LengthDistribution, LoadLevel, LoadProfile } from './run.ts';

export function loadLevel(load: LoadProfile): LoadLevel {
  switch (load.profile) {
    case 'closed-loop':
      return { axis: 'concurrency', value: load.concurrency };
    case 'open-loop':
      return { axis: 'requestsPerSecond', value: load.requestsPerSecond };
    case 'trace':
      return { axis: 'trace', value: load.speed ?? 1 };
    case 'offline':
      return { axis: 'offline', value: null };
  }
}

/** Mean of a length, tokens. Of a normal one, cutting it off below one token is left out: it matters where deviations are as large as the mean. */
export function meanTokens(lengths: LengthDistribution): number {
  switch (lengths.kind) {
    case 'fixed':
      return lengths.tokens;
    case 'uniform':
      return (lengths.least + lengths.most) / 2;
    case 'empirical':
      return lengths.values.reduce((total, value) => total + value, 0) / Math.max(1, lengths.values.length);
    default:
      return lengths.mean;
  }
}

/** `concurrency 8`, `10 requests/s`, `trace`, `offline` */
export function levelLabel(load: LoadProfile): string {
  switch (load.profile) {
    case 'closed-loop':
      return `concurrency ${load.concurrency}`;
    case 'open-loop':
      return `${load.requestsPerSecond} requests/s`;
    case 'trace':
      return load.speed === undefined || load.speed === 1 ? 'trace' : `trace at ${load.speed}x`;
    case 'offline':
      return `batch of ${load.requests}`;
  }
}

/** Words for what sets a load apart from the others, beside its level: lengths, route, prompts. Empty where nothing does. */
export function loadLabels(loads: readonly LoadProfile[]): (load: LoadProfile) => string {
  const parts = [
    lengthsLabel,
    ({ api }: LoadProfile) => api,
    ({ prompt }: LoadProfile) => `${prompt} prompts`,
    arrivalsLabel,
    prefixLabel,
    turnsLabel,
  ];
  const differing = parts.filter((labelOf) => new Set(loads.map(labelOf)).size > 1);
  return (load) =>
    differing
      .map((labelOf) => labelOf(load))
      .filter((label) => label !== '')
      .join(', ');
}

export function lengthsLabel(load: LoadProfile): string {
  if (load.profile === 'trace') return `${load.entries.length} recorded requests`;
  return `${lengthLabel(load.input)} in, ${lengthLabel(load.output)} out`;
}

function lengthLabel(lengths: LengthDistribution): string {
  switch (lengths.kind) {
    case 'fixed':
      return String(lengths.tokens);
    case 'normal':
      return `N(${lengths.mean}, ${lengths.deviation})`;
    case 'lognormal':
      return `lognormal(${lengths.mean}, ${lengths.deviation})`;
    case 'uniform':
      return `${lengths.least} to ${lengths.most}`;
    case 'empirical':
      return `${lengths.values.length} given lengths`;
  }
}

function arrivalsLabel(load: LoadProfile): string {
  if (load.profile !== 'open-loop') return '';
  const shape = load.burstiness === undefined ? '' : ` ${load.burstiness}`;
  return `${load.arrivals}${shape} arrivals`;
}

function prefixLabel({ sharedPrefix }: LoadProfile): string {
  if (sharedPrefix === undefined) return '';
  return `${sharedPrefix.tokens} tokens shared in ${sharedPrefix.groups === 1 ? '1 group' : `${sharedPrefix.groups} groups`}`;
}

function turnsLabel({ turns }: LoadProfile): string {
  return turns === undefined ? '' : `${turns.count} turns`;
}
