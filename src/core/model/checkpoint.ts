import type { ParameterKind } from './parameterKinds.ts';
import { PARAMETER_KINDS } from './parameterKinds.ts';
import { type NotLoadedReason, type TensorNameContext, tensorPlace } from './tensorNames.ts';

/** One tensor of a checkpoint, as a file's header lists it. */
export interface StoredTensor {
  readonly name: string;
  /** As the header writes it: `BF16`, `F8_E4M3`, `Q4_K`. */
  readonly dataType: string;
  /** Elements of its shape. Packed formats store several weights in one. */
  readonly elements: number;
  readonly bytes: number;
}

/** Stored weights that the engine leaves in the file. */
export interface NotLoaded {
  readonly reason: NotLoadedReason;
  readonly bytes: number;
}

/** What the headers of a checkpoint's files say: exact bytes, by what they are for. */
export interface CheckpointFacts {
  readonly format: 'safetensors' | 'gguf';
  /** Files that were read. */
  readonly files: number;
  /** Stored bytes that an engine loads. `vision` and `audio` are among them: flags may leave them out. */
  readonly bytesByKind: Readonly<Record<ParameterKind, number>>;
  /** Elements by the header's data type, of what is loaded. */
  readonly elementsByDataType: Readonly<Record<string, number>>;
  readonly notLoaded: readonly NotLoaded[];
  /** Everything in the files: what is loaded and what is not. */
  readonly totalBytes: number;
}

/** Sums a checkpoint's tensors. A name that comes twice counts once. `besides` is what stands in files that were not read. */
export function checkpointFacts(
  tensors: Iterable<StoredTensor>,
  model: TensorNameContext,
  origin: {
    readonly format: CheckpointFacts['format'];
    readonly files: number;
    readonly besides?: readonly NotLoaded[];
  },
): CheckpointFacts {
  const bytesByKind = Object.fromEntries(PARAMETER_KINDS.map((kind) => [kind, 0])) as Record<
    ParameterKind,
    number
  >;
  const elements = new Map<string, number>();
  const notLoaded = new Map<NotLoadedReason, number>();
  const seen = new Set<string>();
  let totalBytes = 0;
  const leave = ({ reason, bytes }: NotLoaded) => {
    notLoaded.set(reason, (notLoaded.get(reason) ?? 0) + bytes);
    totalBytes += bytes;
  };
  for (const tensor of tensors) {
    if (seen.has(tensor.name)) continue;
    seen.add(tensor.name);
    const place = tensorPlace(tensor.name, model);
    if ('notLoaded' in place) {
      leave({ reason: place.notLoaded, bytes: tensor.bytes });
      continue;
    }
    bytesByKind[place.kind] += tensor.bytes;
    elements.set(tensor.dataType, (elements.get(tensor.dataType) ?? 0) + tensor.elements);
    totalBytes += tensor.bytes;
  }
  for (const one of origin.besides ?? []) leave(one);
  return {
    format: origin.format,
    files: origin.files,
    bytesByKind,
    elementsByDataType: Object.fromEntries(elements),
    notLoaded: [...notLoaded].map(([reason, bytes]) => ({ reason, bytes })),
    totalBytes,
  };
}

/** Bytes that an engine loads; without the towers where flags leave those out. */
export function loadedBytes(
  checkpoint: CheckpointFacts,
  options: { readonly withoutTowers?: boolean } = {},
): number {
  let bytes = 0;
  for (const kind of PARAMETER_KINDS) {
    if (options.withoutTowers === true && (kind === 'vision' || kind === 'audio')) continue;
    bytes += checkpoint.bytesByKind[kind];
  }
  return bytes;
}

const REASONS: Readonly<Record<NotLoadedReason, string>> = {
  'draft-layers': 'layers that draft further tokens',
  'rotary-buffers': 'rotary buffers',
  'tied-head': 'a head that is tied to the embedding',
  optimizer: 'what training left',
  consolidated: 'consolidated copies of the same weights',
  'outside-the-index': 'files that the index does not name',
};

/** `checkpoint header, 3 files; not loaded: layers that draft further tokens 11.51 GB`. */
export function checkpointSource(checkpoint: CheckpointFacts): string {
  const { files, notLoaded } = checkpoint;
  const read = `checkpoint header, ${files} ${files === 1 ? 'file' : 'files'}`;
  const left = notLoaded.filter(({ bytes }) => bytes > 0);
  if (left.length === 0) return read;
  return `${read}; not loaded: ${left.map(({ reason, bytes }) => `${REASONS[reason]} ${inGib(bytes)} GiB`).join(', ')}`;
}

function inGib(bytes: number): string {
  return (bytes / 1024 ** 3).toFixed(2);
}
