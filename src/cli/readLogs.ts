/** Log files, or stdin, -> one record a start. */
import { resolve } from 'node:path';
import type { LogRecord } from '../core/log/record.ts';
import { whyUnreadable } from '../storage/checkpoint/byteReader.ts';
import { readLogFile, readLogStream } from '../storage/logFile.ts';
import { BadInput } from './badInput.ts';

/** A record and the file that it came from, as it was named. */
export interface FiledLogRecord extends LogRecord {
  readonly file: string;
}

/** Throws BadInput for a file that cannot be read. `-` is stdin. */
export async function readLogs(files: readonly string[], cwd: string): Promise<readonly FiledLogRecord[]> {
  const records: FiledLogRecord[] = [];
  for (const file of files) {
    try {
      const read = file === '-' ? readLogStream(process.stdin) : readLogFile(resolve(cwd, file));
      records.push(...(await read).map((record) => ({ file, ...record })));
    } catch (error) {
      throw new BadInput(`${file}: ${whyUnreadable(error)}`);
    }
  }
  return records;
}
