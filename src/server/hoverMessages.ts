/** What hovers say, in Markdown without images. As messages.ts: numbers come in as numbers; whatever a user wrote is escaped. */
import type { Device } from '../core/device/device.ts';
import type { FlagValue } from '../core/engine/deployment.ts';
import type { VersionedFlag } from '../core/engine/engine.ts';
import type { FlagSensitivity } from '../core/estimate/sensitivity.ts';
import type { DeploymentEstimate, MemoryTerm, Provenance, RankEstimate } from '../core/estimate/types.ts';
import type { ModelFacts } from '../core/model/facts.ts';
import { formatBytes, formatCount, formatSignificant, GB, GiB } from '../core/units.ts';
import type { LiveFigures } from './liveTargets.ts';
import { flagValue, onGpus, sentence, times, verdictHead, verdictMarks, verdictWords } from './messages.ts';

const provenanceWords: Readonly<Record<Provenance, string>> = {
  formula: 'formula',
  flag: 'flag',
  header: 'header',
  'log-line': 'log line',
  'measured-run': 'measured run',
  live: 'live',
};

export const hoverMessages = {
  verdict(estimate: DeploymentEstimate, deviceLabel: string): string {
    const { verdict } = estimate;
    const head = `**${verdictHead(verdict.outcome)}** ${onGpus(deviceLabel, estimate.gpuCount)}`;
    return `${head}: ${inMarkdown(sentence(verdict.reason))}`;
  },
  unknown: (reason: string) => `**${verdictHead('unknown')}**: ${inMarkdown(sentence(reason))}`,
  note: (text: string) => `- ${inMarkdown(text)}`,

  flag: (name: string, description: string, inUse: FlagValue | undefined) =>
    `\`--${name}\`${inUse === undefined ? '' : ` = ${inMarkdown(flagValue(inUse))}`} · ${sentence(description)}`,
  flagDefault: (flag: VersionedFlag, engine: string, version: string) =>
    flag.default === null
      ? `${engine} ${version} has no fixed default for it.`
      : `Default in ${engine} ${version}: \`${flag.default === '' ? '""' : String(flag.default)}\`.`,
  effectsHeading: () => '| Instead | KV cache, tokens | Change | Requests at once | |\n|--:|--:|--:|--:|:--|',
  effect({ to, kvTokens, kvTokensDelta, maxConcurrency, outcome, gpuCount }: FlagSensitivity): string {
    const sign = kvTokensDelta < 0 ? '−' : kvTokensDelta > 0 ? '+' : '';
    const cells = [
      `\`${flagValue(to)}\``,
      formatCount(kvTokens),
      `${sign}${formatCount(Math.abs(kvTokensDelta))}`,
      times(maxConcurrency),
      `${verdictMarks[outcome]} ${verdictWords[outcome]}${gpuCount > 1 ? ` ${gpuCount} GPUs` : ''}`,
    ];
    return `| ${cells.join(' | ')} |`;
  },

  model({ id, modelType, architecture, layers, parameters, maxPositionEmbeddings }: ModelFacts): string {
    const kinds = Object.entries(parameters).filter(([kind, count]) => kind !== 'total' && count > 0);
    const shares = kinds
      .toSorted(([, one], [, other]) => other - one)
      .map(([kind, count]) => `${kindWords[kind] ?? kind} ${billions(count)}`);
    return [
      `**${inMarkdown(id)}** · ${inMarkdown(architecture)} (${inMarkdown(modelType)})`,
      `${formatCount(parameters.total)} parameters: ${shares.join(', ')}.`,
      `${formatCount(layers.length)} layers, context up to ${formatCount(maxPositionEmbeddings)} tokens.`,
    ].join('\n\n');
  },
  modelSource: ({ source, checkpoint, quantization, dataType }: ModelFacts) =>
    `Weights stored as ${quantization ? inMarkdown(quantization.method) : dataType}. Facts from ${inMarkdown(source)}${checkpoint ? `, ${formatBytes(checkpoint.totalBytes)} in ${formatCount(checkpoint.files)} ${checkpoint.format} ${checkpoint.files === 1 ? 'file' : 'files'}` : ''}.`,

  device(device: Device): string {
    const { label, driverNames, cudaTotalBytes, smiTotalBytes, multiprocessors, memoryBytesPerSecond } =
      device;
    const shown = smiTotalBytes === undefined ? '' : ` (nvidia-smi shows ${formatBytes(smiTotalBytes)})`;
    const band =
      device.cudaTotalUncertainBytes === undefined ? '' : ` ± ${formatBytes(device.cudaTotalUncertainBytes)}`;
    const peaks = Object.entries(device.flopsPerSecond).map(
      ([type, flops]) => `${type} ${formatCount(flops / 1e12)}`,
    );
    const lines = [
      `**${inMarkdown(label)}** · ${driverNames.map((name) => `\`${name}\``).join(', ')}`,
      `- memory: ${formatBytes(cudaTotalBytes)}${band} to CUDA${shown}, ${formatCount(memoryBytesPerSecond / GB)} GB/s`,
      `- ${formatCount(multiprocessors)} multiprocessors, compute capability ${device.computeCapability}`,
      `- dense peaks, TFLOPS (int8: TOPS): ${peaks.join(', ')}`,
      `- link: ${device.fabric ? `${device.fabric.name}, ${formatCount(device.fabric.bytesPerSecond / GB)} GB/s one way` : device.link}`,
      ...(device.migProfiles && device.migProfiles.length > 0
        ? [`- MIG: ${device.migProfiles.map(({ name }) => name).join(', ')}`]
        : []),
      ...(device.dollarsPerHour === undefined
        ? []
        : [
            `- $${device.dollarsPerHour.toFixed(2)} an hour: ${inMarkdown(device.priceSource ?? 'list price')}`,
          ]),
    ];
    return `${lines.join('\n')}\n\n${inMarkdown(sentence(device.source))}`;
  },

  termsHeading: (perGpu: boolean) =>
    `| ${perGpu ? 'On the fullest GPU' : 'Memory'} | GiB | ± | How it is computed | How we know |\n|:--|--:|--:|:--|:--|`,
  term(term: MemoryTerm, isMeasured: boolean): string {
    const band = Math.max(term.highBytes - term.bytes, term.bytes - term.lowBytes);
    const name = term.charged ? term.id : `${term.id} (on top of what is asked for)`;
    const cells = [
      name,
      (term.bytes / GiB).toFixed(2),
      band === 0 ? 'exact' : `± ${formatSignificant(band / GiB, 2)}`,
      term.formula,
      `${provenanceWords[term.provenance]}: ${term.source}`,
    ].map(inMarkdown);
    if (isMeasured) cells.push(`**measured** ${cells.pop()}`);
    return `| ${cells.join(' | ')} |`;
  },
  /** `flag` is left out where the engine's default decides. */
  requested(rank: RankEstimate, flag: string | undefined, live: LiveFigures | undefined): string {
    const from = live?.cudaTotalBytes === undefined ? '' : ` on ${live.host} (live)`;
    const of = `of ${(rank.totalBytes / GiB).toFixed(2)} that CUDA sees${inMarkdown(from)}`;
    const how = flag === undefined ? 'formula: default of gpu-memory-utilization' : `flag: ${flag}`;
    return `| requested | ${(rank.requestedBytes / GiB).toFixed(2)} | exact | ${of} | ${how} |`;
  },
  free: (freeBytes: number, host: string) =>
    `| free | ${(freeBytes / GiB).toFixed(2)} | exact | before the engine starts | live: ${inMarkdown(host)} |`,
  /** How old the probe is, and what of it is used. */
  live({ host, probedAtMs, cudaTotalBytes, freeBytes, engineVersion }: LiveFigures, nowMs: number): string {
    const used = [
      ...(cudaTotalBytes === undefined ? [] : ['total memory']),
      ...(freeBytes === undefined ? [] : ['free memory']),
      ...(engineVersion === undefined ? [] : ['engine version']),
    ];
    const what = used.length === 0 ? 'the GPU' : used.join(', ');
    return `Live from ${inMarkdown(host)}, ${ageText(nowMs - probedAtMs)}: ${what}.`;
  },
  kv(estimate: DeploymentEstimate, availableBytes: number): string {
    const { kv } = estimate;
    const bytes = `${formatCount(kv.bytesPerTokenPerRank)} bytes a token`;
    return (
      `KV cache: ${(availableBytes / GiB).toFixed(2)} GiB, ${formatCount(kv.tokens)} tokens (${formatCount(kv.numBlocks)} blocks of ` +
      `${formatCount(kv.blockSize)}, ${bytes}), ${kv.maxConcurrency.toFixed(2)}× at ${formatCount(kv.maxModelLen)} tokens.`
    );
  },
  footer: (estimate: DeploymentEstimate, engineLabel: string, live: LiveFigures | undefined) =>
    `${inMarkdown(estimate.model.id)} · ${formatCount(estimate.model.parameters)} parameters · ${engineLabel} ${inMarkdown(estimate.engineVersion)}${live?.engineVersion === undefined ? '' : ` (live: ${inMarkdown(live.host)})`}`,
};

const kindWords: Readonly<Record<string, string>> = {
  mlp: 'MLP',
  routedExperts: 'routed experts',
  sharedExperts: 'shared experts',
  embedding: 'embeddings',
  positionEmbedding: 'positions',
};

/** `8.03 billion`, `12.4 million`. */
function billions(count: number): string {
  if (count >= 1e9) return `${formatSignificant(count / 1e9)} billion`;
  return count >= 1e6 ? `${formatSignificant(count / 1e6)} million` : formatCount(count);
}

/** `probed just now`, `probed 12 min ago`. */
function ageText(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return 'probed just now';
  return minutes < 120 ? `probed ${minutes} min ago` : `probed ${Math.floor(minutes / 60)} h ago`;
}

/** Text that is to be read as it stands, in a cell of a table too. */
function inMarkdown(text: string): string {
  return text.replace(/[\\`*_[\]<>|~]/g, '\\$&').replace(/\s*\r?\n\s*/g, ' ');
}
