import { commands, l10n, Uri, window, workspace } from 'vscode';
import type { TelemetryLine } from '../../protocol/agent.ts';
import type { TelemetryFile } from '../../storage/telemetryFile.ts';
import { DisposableStore } from '../disposable.ts';
import { messageOf } from '../log.ts';
import { recordingEditor } from './recordingEditor.ts';
import type { HeldFeed, TelemetryFeeds } from './telemetryFeeds.ts';

interface Recording {
  readonly held: HeldFeed;
  readonly file: TelemetryFile;
  readonly listener: { dispose(): void };
}

/** Writes what hosts are sampled into `.loadline/telemetry`, until it is told to stop or the window closes. */
export class TelemetryRecorder extends DisposableStore {
  readonly #feeds: TelemetryFeeds;
  readonly #recordings = new Map<string, Recording>();
  readonly #starting = new Set<string>();

  constructor(feeds: TelemetryFeeds) {
    super();
    this.#feeds = feeds;
  }

  get hosts(): readonly string[] {
    return [...this.#recordings.keys()];
  }

  /** Begins to record a host, or ends it where it is recorded. Throws StorageError. */
  async toggle(host: string): Promise<void> {
    if (this.#recordings.has(host)) await this.#stop(host);
    else if (!this.#starting.has(host)) await this.#start(host);
  }

  override dispose(): void {
    for (const host of this.hosts) void this.#end(host);
    super.dispose();
  }

  async #start(host: string): Promise<void> {
    const folder = workspace.workspaceFolders?.[0]?.uri.fsPath;
    if (folder === undefined)
      throw new Error(l10n.t('Recordings are kept in the workspace: open a folder first.'));
    this.#starting.add(host);
    try {
      const { TelemetryFile } = await import('../../storage/telemetryFile.ts');
      const held = this.#feeds.hold(host, { quietly: false });
      const { feed } = held;
      const from = () => {
        const { clockOffsetMs, clockErrorMs } = feed.state;
        return { host, clockOffsetMs, clockErrorMs };
      };
      let file: TelemetryFile;
      try {
        file = await TelemetryFile.inWorkspace(folder, from, Date.now());
      } catch (error) {
        held.release();
        throw error;
      }
      const write = (lines: readonly TelemetryLine[]): void => {
        if (lines.length > 0) file.append(lines).catch((error: unknown) => void this.#failed(host, error));
      };
      if (feed.header !== null) write([feed.header]);
      this.#recordings.set(host, { held, file, listener: feed.onDidChange(write) });
      feed.recordedInto(file.path);
    } finally {
      this.#starting.delete(host);
    }
  }

  async #stop(host: string): Promise<void> {
    const file = await this.#end(host);
    if (file !== undefined) void this.#offerToOpen(host, file);
  }

  async #offerToOpen(host: string, file: TelemetryFile): Promise<void> {
    const open = l10n.t('Open');
    const text = l10n.t('{0} samples of {1} were recorded in {2}', file.records, host, file.path);
    if ((await window.showInformationMessage(text, open)) === open)
      await commands.executeCommand('vscode.openWith', Uri.file(file.path), recordingEditor);
  }

  async #failed(host: string, error: unknown): Promise<void> {
    if ((await this.#end(host)) !== undefined) void window.showErrorMessage(messageOf(error));
  }

  async #end(host: string): Promise<TelemetryFile | undefined> {
    const recording = this.#recordings.get(host);
    if (recording === undefined) return undefined;
    this.#recordings.delete(host);
    recording.listener.dispose();
    recording.held.feed.recordedInto(null);
    recording.held.release();
    await recording.file.close();
    return recording.file;
  }
}
