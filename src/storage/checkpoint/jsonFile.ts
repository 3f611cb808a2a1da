import { failure, type Result, success } from '../../core/result.ts';
import { type ByteReader, unreadable } from './byteReader.ts';

/** Codes of the problems of one kind of JSON file. */
export interface JsonFileCodes {
  readonly tooLarge: string;
  readonly torn: string;
  readonly unreadable: string;
}

/**
 * A JSON file of at most `mostBytes`, which are checked before anything is read. `what` ends the sentence of a larger one:
 * `that is no config.json`. Never throws.
 */
export async function readJsonFile(
  reader: ByteReader,
  path: string,
  limit: { readonly mostBytes: number; readonly what: string; readonly codes: JsonFileCodes },
): Promise<Result<unknown>> {
  const { mostBytes, codes } = limit;
  let bytes: Uint8Array;
  try {
    const entry = await reader.entry(path);
    if (entry.kind === 'folder' || entry.kind === 'other') {
      return failure({ code: codes.unreadable, message: `${path} is no file.` });
    }
    if (entry.kind === 'file' && entry.bytes > mostBytes) return failure(tooLarge(path, limit));
    // One byte more than allowed: a file that grows meanwhile is caught as well.
    bytes = await reader.read(path, 0, mostBytes + 1);
  } catch (error) {
    return failure(unreadable(path, error, codes.unreadable));
  }
  if (bytes.length > mostBytes) return failure(tooLarge(path, limit));
  try {
    return success(
      JSON.parse(
        Buffer.from(bytes)
          .toString('utf8')
          .replace(/^\uFEFF/, ''),
      ),
    );
  } catch (error) {
    // The parser quotes what stands there, line ends and all.
    const why = (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ');
    return failure({ code: codes.torn, message: `${path} is not JSON: ${why}. Download or write it again.` });
  }
}

function tooLarge(
  path: string,
  limit: { readonly mostBytes: number; readonly what: string; readonly codes: JsonFileCodes },
) {
  const mebibytes = Math.round(limit.mostBytes / 1024 ** 2);
  return {
    code: limit.codes.tooLarge,
    message: `${path} is larger than ${mebibytes} MiB: ${limit.what}.`,
  };
}
