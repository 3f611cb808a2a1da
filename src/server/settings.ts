import { type Connection, DidChangeConfigurationNotification } from 'vscode-languageserver';
import type { ServerSettings } from '../protocol/lsp.ts';

const section = 'loadline';
const noSettings: ServerSettings = {
  gpu: null,
  gpuCount: 1,
  engineVersion: null,
  inlayHints: { enabled: false },
};

/** Whatever a client sends -> settings. Unusable fields count as not set. */
export function readSettings(value: unknown): ServerSettings {
  const fields: Record<string, unknown> = isRecord(value) ? value : {};
  const { gpu, gpuCount, engineVersion, inlayHints } = fields;
  return {
    gpu: nonEmpty(gpu),
    gpuCount: typeof gpuCount === 'number' && Number.isInteger(gpuCount) && gpuCount > 0 ? gpuCount : 1,
    engineVersion: nonEmpty(engineVersion),
    inlayHints: { enabled: isRecord(inlayHints) && inlayHints['enabled'] === true },
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function nonEmpty(value: unknown): string | null {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : null;
}

/** Settings per document: asked of the client where it answers, else as it last sent them. */
export class SettingsStore {
  readonly #connection: Connection;
  readonly #byUri = new Map<string, Promise<ServerSettings>>();
  #pulled = false;
  #sent = noSettings;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** `pulled`: the client answers `workspace/configuration`. */
  start(initial: unknown, pulled: boolean): void {
    this.#sent = readSettings(initial);
    this.#pulled = pulled;
  }

  /** Asks the client to say when settings change. */
  async watch(): Promise<void> {
    await this.#connection.client.register(DidChangeConfigurationNotification.type, { section });
  }

  of(uri: string): Promise<ServerSettings> {
    if (!this.#pulled) return Promise.resolve(this.#sent);
    const known = this.#byUri.get(uri);
    if (known) return known;
    const asked = this.#connection.workspace
      .getConfiguration({ scopeUri: uri, section })
      .then(readSettings, () => this.#sent);
    this.#byUri.set(uri, asked);
    return asked;
  }

  /** The body of `workspace/didChangeConfiguration`: the section, or the settings themselves, or nothing. */
  changed(settings: unknown): void {
    this.#byUri.clear();
    if (isRecord(settings)) this.#sent = readSettings(settings[section] ?? settings);
  }

  forget(uri: string): void {
    this.#byUri.delete(uri);
  }
}
