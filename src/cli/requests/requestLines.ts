/** Lines of a file or of stdin, one at a time: a file may be larger than memory. */
import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { whyUnreadable } from '../../storage/checkpoint/byteReader.ts';
import { regularFile } from '../../storage/logFile.ts';
import { BadInput } from '../badInput.ts';

/** A request with a config.json in it is far below this. */
const MOST_LINE_LENGTH = 4 * 1024 * 1024;

export interface RequestLine {
  /** From 1. */
  readonly number: number;
  /** undefined where the line is too long to be a request. */
  readonly text: string | undefined;
}

/** Lines without those that are blank. `-` is stdin. Throws BadInput for a file that cannot be read. */
export async function* requestLines(file: string, cwd: string): AsyncGenerator<RequestLine> {
  let number = 0;
  let pending = '';
  let tooLong = false;
  const finished = (last: string): RequestLine | undefined => {
    number++;
    const text = pending + last;
    const line = tooLong || text.length > MOST_LINE_LENGTH ? undefined : text;
    pending = '';
    tooLong = false;
    return line?.trim() === '' ? undefined : { number, text: line };
  };
  try {
    const stream = file === '-' ? process.stdin : createReadStream(await regularFile(resolve(cwd, file)));
    stream.setEncoding('utf8');
    for await (const chunk of stream) {
      const parts = String(chunk).split('\n');
      const rest = parts.pop() ?? '';
      for (const part of parts) {
        const line = finished(part);
        if (line !== undefined) yield line;
      }
      if (!tooLong) pending += rest;
      if (pending.length > MOST_LINE_LENGTH) {
        tooLong = true;
        pending = '';
      }
    }
  } catch (error) {
    throw new BadInput(`${file}: ${whyUnreadable(error)}`);
  }
  if (pending !== '' || tooLong) {
    const line = finished('');
    if (line !== undefined) yield line;
  }
}
