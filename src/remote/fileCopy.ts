import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';
import { crc32 } from 'node:zlib';
import { storageError } from '../storage/atomicFile.ts';

const readBytes = 1024 * 1024;
/** Of these last bytes the host is told the CRC-32. In the agent's follow.py, too. */
const checkedBytes = 4096;
/** A link in the place of the file would lead the copy elsewhere. Not every system has the flag. */
const openFlags = constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0);

/**
 * The local copy of a file that only grows elsewhere. Bytes are written at the offset that they have there, so that two
 * who copy the same file write the same bytes to the same place. Nobody else may read it: logs and plans are in such files. What this one has read or written it gives as lines.
 */
export class FileCopy {
  readonly #file: FileHandle;
  #decoder = new StringDecoder('utf8');
  #rest = '';
  #position = 0;
  /** What this one has last read or written. Not read again from the file: another may have written it anew meanwhile. */
  #last: Buffer = Buffer.alloc(0);

  private constructor(
    readonly path: string,
    file: FileHandle,
  ) {
    this.#file = file;
  }

  static async open(path: string): Promise<FileCopy> {
    try {
      return new FileCopy(path, await open(path, openFlags, 0o600));
    } catch (error) {
      throw storageError(path, error);
    }
  }

  /** Bytes held: the offset from which the next ones are wanted. */
  get position(): number {
    return this.#position;
  }

  /** CRC-32 of the last bytes before `position`: the host sees by it whether it still has them. */
  get check(): number {
    return crc32(this.#last);
  }

  /** The host has not got what this file holds: what it has comes from the start. Another who copies it does the same. */
  async rewind(): Promise<void> {
    await this.#file.truncate(0);
    this.#position = 0;
    this.#last = Buffer.alloc(0);
    this.#rest = '';
    this.#decoder = new StringDecoder('utf8');
  }

  /**
   * Complete lines that the file holds already. Zeros stand where a machine stopped before the bytes reached its disk: from
   * there on nothing is held, and the bytes are fetched again.
   */
  async *held(): AsyncGenerator<readonly string[], void, undefined> {
    for (;;) {
      const { buffer, bytesRead } = await this.#file.read(
        Buffer.alloc(readBytes),
        0,
        readBytes,
        this.#position,
      );
      const zero = buffer.subarray(0, bytesRead).indexOf(0);
      const data = buffer.subarray(0, zero < 0 ? bytesRead : zero);
      if (data.length === 0) return;
      this.#took(data);
      yield this.#lines(data);
      if (zero >= 0) return;
    }
  }

  /** Writes what stands at `position` and gives the lines that it completes. `durable`: they survive a crash then. */
  async append(data: Uint8Array, durable: boolean): Promise<readonly string[]> {
    try {
      for (let written = 0; written < data.length; ) {
        const { bytesWritten } = await this.#file.write(
          data,
          written,
          data.length - written,
          this.#position + written,
        );
        written += bytesWritten;
      }
      if (durable) await this.#file.datasync();
    } catch (error) {
      throw storageError(this.path, error);
    }
    this.#took(data);
    return this.#lines(data);
  }

  #took(data: Uint8Array): void {
    this.#position += data.length;
    this.#last = Buffer.concat([this.#last, data.subarray(-checkedBytes)]).subarray(-checkedBytes);
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  #lines(data: Uint8Array): readonly string[] {
    const parts = (this.#rest + this.#decoder.write(Buffer.from(data))).split('\n');
    this.#rest = parts.pop() ?? '';
    return parts;
  }
}
