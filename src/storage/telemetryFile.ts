import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { TelemetryLine } from '../protocol/agent.ts';
import { type RecordedFrom, recordingLine, recordingName } from '../protocol/telemetryRecording.ts';
import { storageError } from './atomicFile.ts';
import { keepOutOfCommits } from './ownFolder.ts';

/** `<workspace>/.loadline/telemetry`. */
export function telemetryFolder(workspace: string): string {
  return join(workspace, '.loadline', 'telemetry');
}

/** A recording that is being written: lines are only ever added, so that a crash costs the last one at most. */
export class TelemetryFile {
  #written: Promise<void> = Promise.resolve();
  #records = 0;

  private constructor(
    readonly path: string,
    readonly from: () => RecordedFrom,
    private readonly file: FileHandle,
  ) {}

  /** Records of samples that are written so far. */
  get records(): number {
    return this.#records;
  }

  /** A new file; one that is there already is not touched. Throws StorageError. */
  static async create(path: string, from: () => RecordedFrom): Promise<TelemetryFile> {
    try {
      await mkdir(dirname(path), { recursive: true });
      return new TelemetryFile(path, from, await open(path, 'ax', 0o644));
    } catch (error) {
      throw storageError(path, error);
    }
  }

  /** `.loadline/telemetry/<time>-<host>.jsonl` of a workspace, kept out of commits. Throws StorageError. */
  static async inWorkspace(
    workspace: string,
    from: () => RecordedFrom,
    nowMs: number,
  ): Promise<TelemetryFile> {
    const path = join(telemetryFolder(workspace), recordingName(from().host, nowMs));
    const file = await TelemetryFile.create(path, from);
    await keepOutOfCommits(workspace);
    return file;
  }

  /** Resolves when the lines are written, each whole. Throws StorageError; what was written before stands. */
  append(lines: readonly TelemetryLine[]): Promise<void> {
    const text = lines.map((line) => `${recordingLine(line, this.from())}\n`).join('');
    this.#written = this.#written
      .then(() => this.file.appendFile(text))
      .then(() => {
        this.#records += lines.filter(({ type }) => type === 'telemetry').length;
      })
      .catch((error: unknown) => {
        throw storageError(this.path, error);
      });
    return this.#written;
  }

  /** A file in which nothing was written is not left behind. */
  async close(): Promise<void> {
    await this.#written.catch(() => undefined);
    const { size } = await this.file.stat();
    await this.file.close();
    if (size === 0) await rm(this.path, { force: true });
  }
}
