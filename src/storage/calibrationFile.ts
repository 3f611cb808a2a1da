import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Calibration, noCalibration, parseCalibration } from '../core/calibration/calibration.ts';
import { type Result, success } from '../core/result.ts';
import { writeFileAtomically } from './atomicFile.ts';
import { localReader } from './checkpoint/byteReader.ts';
import { readJsonFile } from './checkpoint/jsonFile.ts';
import { keepOutOfCommits } from './ownFolder.ts';

/** Thousands of starts; a file that is larger is something else. */
const MOST_BYTES = 16 * 1024 * 1024;

export function calibrationPath(workspace: string): string {
  return join(workspace, '.loadline', 'calibration.json');
}

/**
 * The calibration of a workspace; an empty one where there is none. Never throws. Problems: `calibration.bad-file`,
 * `calibration.torn`, `calibration.too-large-file`, `calibration.unreadable`.
 */
export async function readCalibration(workspace: string): Promise<Result<Calibration>> {
  const path = calibrationPath(workspace);
  if (!existsSync(path)) return success(noCalibration);
  const json = await readJsonFile(localReader, path, {
    mostBytes: MOST_BYTES,
    what: 'that is no calibration',
    codes: {
      tooLarge: 'calibration.too-large-file',
      torn: 'calibration.torn',
      unreadable: 'calibration.unreadable',
    },
  });
  return json.ok ? parseCalibration(json.value) : json;
}

/** Writes it whole or not at all, out of the reach of commits. Throws StorageError. */
export async function writeCalibration(workspace: string, calibration: Calibration): Promise<void> {
  await writeFileAtomically(calibrationPath(workspace), `${JSON.stringify(calibration, null, 2)}\n`);
  await keepOutOfCommits(workspace);
}

/** The nearest folder, from `folder` upwards, that has a calibration; undefined where none has. */
export function calibratedWorkspace(folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(calibrationPath(at))) return at;
    if (dirname(at) === at) return undefined;
  }
}
