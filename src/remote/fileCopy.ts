import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';
import { storageError } from '../storage/atomicFile.ts';

const readBytes = 1024 * 1024;
/** A link in the place of the file would lead the copy elsewhere. Not every system has the flag. */
const openFlags = constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0);

/**
 * The local copy of a file that only grows elsewhere. Bytes are written at the offset that they have there, so that two
 * who copy the same file write the same bytes to the same place. Nobody else may read it: logs and plans are in such files. What this one has read or written it gives as lines.
 */
export class FileCopy {
  readonly #file: FileHandle;
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';
  #position = 0;

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
      this.#position += data.length;
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
    this.#position += data.length;
    return this.#lines(data);
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
