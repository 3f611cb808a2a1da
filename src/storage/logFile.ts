import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { LogParser } from '../core/log/parseLog.ts';
import type { LogRecord } from '../core/log/record.ts';

/** The starts in a log, one record each. Read in chunks: a log may be larger than memory. Throws for what is no readable file. */
export async function readLogFile(path: string): Promise<readonly LogRecord[]> {
  return readLogStream(createReadStream(await regularFile(path)));
}

/** As `readLogFile`, of a stream. */
export async function readLogStream(stream: NodeJS.ReadableStream): Promise<readonly LogRecord[]> {
  const parser = new LogParser();
  stream.setEncoding('utf8');
  for await (const chunk of stream) parser.push(String(chunk));
  return parser.end();
}

/** The path. A folder, or a pipe that nobody writes to, would give an error that says less, or none ever. */
export async function regularFile(path: string): Promise<string> {
  const found = await stat(path);
  if (found.isDirectory()) throw new Error('this is a folder: name a file in it.');
  if (!found.isFile()) throw new Error('this is no file.');
  return path;
}
