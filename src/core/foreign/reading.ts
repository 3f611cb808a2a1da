/** What a reader makes of a file set, before it becomes a run. */
import type { FlagValue } from '../engine/deployment.ts';
import type { Problem } from '../result.ts';
import type { LoadResult } from '../sweep/loadResult.ts';
import type { CellFailure } from '../sweep/run.ts';
import type { ForeignDocument } from './document.ts';

/** One measurement of one setting. Those of the same setting become repeats of one cell. */
export interface ForeignTrial {
  /** null: that of the reading. */
  readonly model: string | null;
  /** What was set for it beside the load: overrides of a sweep, metadata. */
  readonly flags: Readonly<Record<string, FlagValue>>;
  /** Requests in flight at most; null where the file sets none. */
  readonly concurrency: number | null;
  /** Requests a second that were asked for; null where they were sent as fast as the concurrency let them, or all at once. */
  readonly requestsPerSecond: number | null;
  /** `200 in, 100 out`: lengths that were asked for; null where the file does not say. */
  readonly lengths: string | null;
  /** null where the benchmark failed: see `failure`. */
  readonly result: LoadResult | null;
  readonly failure: CellFailure | null;
  readonly startedWallMs: number | null;
  readonly finishedWallMs: number | null;
}

export interface ForeignReading {
  /** null where no file of the tool says it. */
  readonly version: string | null;
  readonly model: string | null;
  readonly engine: { readonly name: string; readonly version: string | null } | null;
  /** Address of the server, without user and password. */
  readonly server: string | null;
  readonly trials: readonly ForeignTrial[];
  /** What must be known of the figures: definitions that differ, what was left out. */
  readonly notes: readonly string[];
}

export const nothingRead: ForeignReading = {
  version: null,
  model: null,
  engine: null,
  server: null,
  trials: [],
  notes: [],
};

/** A load generator whose files can be read. */
export interface ForeignTool {
  /** `vllm bench serve`. */
  readonly name: string;
  /** Files it writes, in words: shown where a file is not recognised. */
  readonly files: string;
  recognises(document: ForeignDocument): boolean;
  /** All its files of one import. What is wrong goes to `problems`, each with file and key in its path. Never throws. */
  read(documents: readonly ForeignDocument[], problems: Problem[]): ForeignReading;
}

/** Documents by the folder they lie in: a run of some tools is a folder. */
export function byFolder(documents: readonly ForeignDocument[]): readonly (readonly ForeignDocument[])[] {
  const folders = new Map<string, ForeignDocument[]>();
  for (const document of documents) {
    const others = folders.get(document.folder);
    if (others === undefined) folders.set(document.folder, [document]);
    else others.push(document);
  }
  return [...folders.values()];
}

export function firstText(...texts: readonly (string | null | undefined)[]): string | null {
  return texts.find((text): text is string => typeof text === 'string' && text !== '') ?? null;
}

/** `http://host:8000` of an address, which may hold a user and a password; null where it is none. */
export function serverOf(address: string | null): string | null {
  if (address === null) return null;
  const [, scheme, host] = /^(https?:\/\/)(?:[^/?#]*@)?([^/?#@\s]+)/i.exec(address) ?? [];
  return scheme === undefined || host === undefined ? null : `${scheme}${host}`;
}

/** `200 in, 100 out`; null where one of them is not known. */
export function lengthsOf(input: number | null, output: number | null): string | null {
  return input === null || output === null ? null : `${Math.round(input)} in, ${Math.round(output)} out`;
}
