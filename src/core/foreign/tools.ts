/** The load generators whose results can be read, and how a file is told to be of one: the first that recognises it. */
import { aiperf } from './aiperf.ts';
import type { ForeignDocument } from './document.ts';
import { genaiBench } from './genaiBench.ts';
import { genaiPerf } from './genaiPerf.ts';
import { guidellm } from './guidellm.ts';
import { inferencePerf } from './inferencePerf.ts';
import { llmperf } from './llmperf.ts';
import { perfAnalyzer } from './perfAnalyzer.ts';
import type { ForeignTool } from './reading.ts';
import { sglang } from './sglang.ts';
import { vllmLatency, vllmThroughput } from './vllmOffline.ts';
import { vllmServe } from './vllmServe.ts';

/** genai-perf's files look like aiperf's without its marks, and so come after them. */
export const foreignTools: readonly ForeignTool[] = [
  vllmServe,
  vllmThroughput,
  vllmLatency,
  sglang,
  guidellm,
  aiperf,
  genaiPerf,
  perfAnalyzer,
  llmperf,
  inferencePerf,
  genaiBench,
];

export function toolOf(document: ForeignDocument): ForeignTool | undefined {
  return foreignTools.find((tool) => tool.recognises(document));
}

/** What is known, in words: a tool and its files each. */
export function knownTools(): readonly string[] {
  return foreignTools.map(({ name, files }) => `${name} (${files})`);
}
