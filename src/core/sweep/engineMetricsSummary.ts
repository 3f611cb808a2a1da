/** What an engine's own metrics say of the windows of a cell. */
import type { CellEngineMetrics } from './cellResult.ts';
import type { WallSpan } from './telemetrySummary.ts';

/** As in metrics.jsonl (src/protocol/engineMetrics.ts). null where the engine has no such metric. */
export interface EngineMetricsSample {
  readonly wallMs: number;
  readonly engineKey: string;
  readonly instance: number;
  readonly running: number | null;
  readonly waiting: number | null;
  readonly kvUsage: number | null;
  readonly preemptions: number | null;
  readonly prefixCacheHits: number | null;
  readonly prefixCacheQueries: number | null;
}

/** All copies together; of the cache's use the fullest. `samples`: in order of time. Undefined where none lies in a span. */
export function summariseEngineMetrics(
  samples: readonly EngineMetricsSample[],
  engineKey: string,
  spans: readonly WallSpan[],
): CellEngineMetrics | undefined {
  const within = spans.map(({ fromMs, toMs }) =>
    samples.filter(
      (sample) => sample.engineKey === engineKey && sample.wallMs >= fromMs && sample.wallMs <= toMs,
    ),
  );
  const all = within.flat();
  if (all.length === 0) return undefined;
  const copies = [...new Set(all.map(({ instance }) => instance))];
  const mean = (of: (sample: EngineMetricsSample) => number | null) => {
    const values = all.flatMap((sample) => of(sample) ?? []);
    return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length;
  };
  const total = (of: (sample: EngineMetricsSample) => number | null) => {
    const value = mean(of);
    return value === undefined ? undefined : value * copies.length;
  };
  // Counters: what they grew by within each span, of each copy. One that fell was started anew.
  const growth = (of: (sample: EngineMetricsSample) => number | null) => {
    const parts = within.flatMap((span) =>
      copies.flatMap((copy) => {
        const values = span.filter(({ instance }) => instance === copy).flatMap((sample) => of(sample) ?? []);
        const [first, last] = [values[0], values.at(-1)];
        return first === undefined || last === undefined ? [] : [Math.max(0, last - first)];
      }),
    );
    return parts.length === 0 ? undefined : parts.reduce((sum, value) => sum + value, 0);
  };
  const usage = all.flatMap(({ kvUsage }) => kvUsage ?? []);
  const queries = growth(({ prefixCacheQueries }) => prefixCacheQueries);
  const hits = growth(({ prefixCacheHits }) => prefixCacheHits);
  const figures = {
    running: total(({ running }) => running),
    waiting: total(({ waiting }) => waiting),
    kvUsage: mean(({ kvUsage }) => kvUsage),
    kvUsageMost: usage.length === 0 ? undefined : usage.reduce((most, value) => Math.max(most, value)),
    preemptions: growth(({ preemptions }) => preemptions),
    prefixHits: queries === undefined || hits === undefined || queries <= 0 ? undefined : hits / queries,
  };
  return {
    samples: all.length,
    ...(Object.fromEntries(
      Object.entries(figures).filter(([, value]) => value !== undefined),
    ) as Partial<CellEngineMetrics>),
  };
}
