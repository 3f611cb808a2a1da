/** Log files, or stdin, -> one record a start. Read in chunks: a log may be larger than memory. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { LogParser } from '../core/log/parseLog.ts';
import type { LogRecord } from '../core/log/record.ts';
import { BadInput } from './badInput.ts';

/** A record and the file that it came from, as it was named. */
export interface FiledLogRecord extends LogRecord {
  readonly file: string;
}

/** Throws BadInput for a file that cannot be read. `-` is stdin. */
export async function readLogs(files: readonly string[], cwd: string): Promise<readonly FiledLogRecord[]> {
  const records: FiledLogRecord[] = [];
  for (const file of files) {
    const parser = new LogParser();
    try {
      const stream = file === '-' ? process.stdin : createReadStream(await regularFile(resolve(cwd, file)));
      stream.setEncoding('utf8');
      for await (const chunk of stream) parser.push(String(chunk));
    } catch (error) {
      throw new BadInput(`${file}: ${error instanceof Error ? error.message : String(error)}`);
    }
    records.push(...parser.end().map((record) => ({ file, ...record })));
  }
  return records;
}

/** A folder, or a pipe that nobody writes to, would give an error that says less, or none ever. */
export async function regularFile(path: string): Promise<string> {
  const found = await stat(path);
  if (!found.isFile()) throw new Error('this is no file.');
  return path;
}
