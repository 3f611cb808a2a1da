import { failure, type Problem, type Result, success } from '../result.ts';
import type { StoredTensor } from './checkpoint.ts';
import { isRecord } from './configFields.ts';

/** The longest header that is read, as the hub's own client has it. Bytes. */
export const MOST_HEADER_BYTES = 25_000_000;

/** Longest file name or tensor name that a message repeats. */
const MOST_SHOWN = 80;

/**
 * Tensors of a safetensors header that was parsed as JSON. Their bytes are those of `data_offsets`, whatever the shape says.
 * Problems, with the file's name: `checkpoint.bad-header` for offsets that are no numbers or overlap, `checkpoint.truncated` where
 * the file ends before its last tensor. `dataBytes`: what stands after the header; undefined where that is not known.
 */
export function safetensorsTensors(
  file: string,
  header: unknown,
  dataBytes: number | undefined,
): Result<readonly StoredTensor[]> {
  if (!isRecord(header)) return failure(badHeader(file, 'its header is no JSON object'));
  const spans: { readonly begin: number; readonly end: number; readonly name: string }[] = [];
  const tensors: StoredTensor[] = [];
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const read = tensorOf(name, entry);
    if (read === undefined) {
      return failure(badHeader(file, `the entry of "${shown(name)}" is no tensor`));
    }
    tensors.push(read.tensor);
    spans.push({ begin: read.begin, end: read.end, name });
  }
  spans.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let end = 0;
  for (const span of spans) {
    if (span.begin < end) return failure(badHeader(file, `"${shown(span.name)}" overlaps another tensor`));
    end = Math.max(end, span.end);
  }
  if (dataBytes !== undefined && end > dataBytes) {
    return failure({
      code: 'checkpoint.truncated',
      message: `${file} ends before its last tensor: ${dataBytes} of ${end} bytes of weights are there. Download it again.`,
    });
  }
  return success(tensors);
}

/** One sentence with the file's name and what to do. */
export function badHeader(file: string, why: string): Problem {
  return {
    code: 'checkpoint.bad-header',
    message: `${file} is no usable safetensors file: ${why}. Download it again.`,
  };
}

function tensorOf(
  name: string,
  entry: unknown,
): { readonly tensor: StoredTensor; readonly begin: number; readonly end: number } | undefined {
  if (!isRecord(entry)) return undefined;
  const dataType = entry['dtype'];
  const shape = entry['shape'];
  const offsets = entry['data_offsets'];
  if (typeof dataType !== 'string' || dataType.length > 32) return undefined;
  if (!Array.isArray(shape) || !Array.isArray(offsets) || offsets.length !== 2) return undefined;
  const [begin, end]: unknown[] = offsets;
  if (!isSize(begin) || !isSize(end) || end < begin) return undefined;
  let elements = 1;
  for (const dimension of shape) {
    if (!isSize(dimension)) return undefined;
    elements *= dimension;
  }
  if (!Number.isSafeInteger(elements)) return undefined;
  return { tensor: { name, dataType, elements, bytes: end - begin }, begin, end };
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function shown(name: string): string {
  return name.length > MOST_SHOWN ? `${name.slice(0, MOST_SHOWN)}…` : name;
}
