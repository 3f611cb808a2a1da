import { dirname } from 'node:path';
import { type Calibration, entriesOf } from '../core/calibration/calibration.ts';
import type { Problem } from '../core/result.ts';
import { calibratedWorkspace, calibrationPath, readCalibration } from '../storage/calibrationFile.ts';
import { pathOf } from './documentPath.ts';

/** What measured starts say, by the folder of the document; read once until a file changes. */
export class CalibrationStore {
  readonly #byFolder = new Map<string, Promise<Calibration | undefined>>();
  readonly #warn: (path: string, problems: readonly Problem[]) => void;

  /** `warn`: a calibration that cannot be used; estimates are then made without. */
  constructor(warn: (path: string, problems: readonly Problem[]) => void) {
    this.#warn = warn;
  }

  /** Undefined where nothing was calibrated above the document, or it is in no folder. */
  of(uri: string): Promise<Calibration | undefined> {
    const path = pathOf(uri);
    if (path === undefined) return Promise.resolve(undefined);
    const folder = dirname(path);
    const known = this.#byFolder.get(folder);
    if (known) return known;
    const read = this.#read(folder);
    this.#byFolder.set(folder, read);
    return read;
  }

  /** A calibration changed, or one appeared. */
  clear(): void {
    this.#byFolder.clear();
  }

  async #read(folder: string): Promise<Calibration | undefined> {
    const workspace = calibratedWorkspace(folder);
    if (workspace === undefined) return undefined;
    const read = await readCalibration(workspace);
    if (read.ok) return entriesOf(read.value).length > 0 ? read.value : undefined;
    this.#warn(calibrationPath(workspace), read.problems);
    return undefined;
  }
}
