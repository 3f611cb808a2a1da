import { findDevice } from '../core/device/catalogue.ts';
import { findEngine } from '../core/engine/engines.ts';
import type {
  DeploymentEstimate,
  SpeedEstimate,
  UnknownEstimate,
  VerdictOutcome,
} from '../core/estimate/types.ts';
import { figure } from '../core/sweep/reportFigures.ts';
import type { Table } from '../core/sweep/reportTable.ts';
import { formatBytes, formatCount, formatSignificant } from '../core/units.ts';

/** Word and mark; colour is never needed. */
export const verdictWords: Readonly<Record<VerdictOutcome, string>> = {
  fits: '✔ fits',
  tight: '! tight',
  'does-not-fit': '✖ does not fit',
  unknown: '? not known',
};

type Estimate = DeploymentEstimate | UnknownEstimate;

/** A row a deployment. */
export function fitTable(estimates: readonly Estimate[]): Table {
  const column = (title: string, numeric = false) => ({ title, unit: '', numeric });
  return {
    columns: [column('where'), column('model'), column('GPU'), column('verdict'), column('why')],
    rows: estimates.map((one) => {
      const verdict = verdictWords[one.verdict.outcome];
      const [model, gpu] = isKnown(one) ? [one.model.id, gpuWords(one)] : ['', ''];
      return [one.source, model, gpu, verdict, one.verdict.reason];
    }),
  };
}

/** Everything of one deployment: verdict, memory by term with its band and how it is known, speed, what would fix it. */
export function fitDetails(one: Estimate): string[] {
  const lines = [`${one.source}: ${verdictWords[one.verdict.outcome]}: ${one.verdict.reason}`];
  if (!isKnown(one)) return lines;
  const engine = findEngine(one.engine)?.label ?? one.engine;
  lines.push(
    `  ${one.model.id} (${formatCount(one.model.parameters)} parameters), ${engine} ${one.engineVersion}, ${gpuWords(one)}`,
  );
  const [rank] = one.perRank;
  if (rank !== undefined) {
    lines.push(
      `  memory of ${one.perRank.length > 1 ? `rank ${rank.rank} of ${one.perRank.length}` : 'the GPU'}: ${formatBytes(rank.requestedBytes)} asked for of ${formatBytes(rank.totalBytes)}`,
    );
    const width = Math.max(...rank.terms.map(({ id }) => id.length), 'KV cache'.length);
    for (const term of rank.terms) {
      const [low, high] = [formatBytes(term.lowBytes), formatBytes(term.highBytes)];
      const band = low === high ? '' : ` (${low} to ${high})`;
      const charge = term.charged ? '' : ', beyond what was asked for';
      lines.push(
        `    ${term.id.padEnd(width)}  ${formatBytes(term.bytes)}${band}${charge}; ${term.provenance}: ${term.source}`,
      );
    }
    const { maxBatch, maxModelLen, tokens, maxConcurrency } = one.kv;
    lines.push(
      maxBatch === undefined
        ? `    ${'KV cache'.padEnd(width)}  ${formatBytes(rank.availableKvBytes)}: ${formatCount(tokens)} tokens, ${formatSignificant(maxConcurrency)} requests of ${formatCount(maxModelLen)} tokens`
        : `    ${'left over'.padEnd(width)}  ${formatBytes(rank.availableKvBytes)}: the largest batch of ${formatCount(maxModelLen)} tokens a request is ${formatCount(maxBatch)}`,
    );
  }
  for (const line of findEngine(one.engine)?.logLines(one) ?? []) lines.push(`    log: ${line}`);
  const { speed } = one;
  const band = (name: keyof typeof speed.bands) =>
    speed.bands[name].map((value) => figure(value)).join(' to ');
  lines.push(
    `  estimated speed with ${formatCount(speed.batch)} at once, ${formatCount(speed.inputTokens)} in, ${formatCount(speed.outputTokens)} out (bound by ${speed.bound}):`,
    `    TTFT ${figure(speed.ttftMs)} ms (${band('ttftMs')}; ${figure(speed.ttftAllAtOnceMs)} where all come at once), TPOT ${figure(speed.tpotMs)} ms (${band('tpotMs')}), ${figure(speed.decodeTokensPerSecond)} output tokens/s (${band('decodeTokensPerSecond')})`,
    `    ${figure(speed.systemTokensPerSecond)} output tokens/s over whole requests, prompts at ${figure(speed.prefillTokensPerSecond)} tokens/s${costWords(speed)}`,
    `    ${speed.evidence}: ${speed.source}`,
  );
  for (const fix of one.verdict.fixes) {
    const edits = [fix, ...(fix.also ?? [])].map(({ flag, to }) => `${flag} ${String(to)}`);
    lines.push(`  would help: ${edits.join(' and ')}: ${fix.effect}`);
  }
  for (const { text } of one.crossChecks ?? []) lines.push(`  cross-check: ${text}`);
  return lines;
}

export function isKnown(one: Estimate): one is DeploymentEstimate {
  return 'perRank' in one;
}

function gpuWords({ device, gpuCount }: DeploymentEstimate): string {
  const label = findDevice(device)?.label ?? device;
  return gpuCount > 1 ? `${gpuCount} × ${label}` : label;
}

function costWords({ dollarsPerMillionTokens, dollarsPerMillionOutputTokens }: SpeedEstimate): string {
  if (dollarsPerMillionTokens === null || dollarsPerMillionOutputTokens === null) return '';
  return `; $${formatSignificant(dollarsPerMillionTokens)} per million tokens, $${formatSignificant(dollarsPerMillionOutputTokens)} per million output tokens`;
}
