/** Small GGUF files made for tests: real in form, their weights are zeros. */

export interface MadeGgufTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** ggml's number of the type: 1 is F16, 8 is Q8_0. */
  readonly type: number;
  readonly bytes: number;
}

type Value = string | number | readonly string[] | readonly number[];

/** Version 3, little-endian; whole numbers as 32 bits. */
export function madeGguf(
  metadata: Readonly<Record<string, Value>>,
  tensors: readonly MadeGgufTensor[],
  dataBytes?: number,
): Buffer {
  const parts: Buffer[] = [
    Buffer.from('GGUF'),
    u32(3),
    u64(tensors.length),
    u64(Object.keys(metadata).length),
  ];
  for (const [key, value] of Object.entries(metadata)) parts.push(text(key), ...writtenValue(value));
  let offset = 0;
  for (const { name, shape, type, bytes } of tensors) {
    parts.push(text(name), u32(shape.length), ...shape.map(u64), u32(type), u64(offset));
    offset += Math.ceil(bytes / 32) * 32;
  }
  const head = Buffer.concat(parts);
  const padding = Buffer.alloc((32 - (head.length % 32)) % 32);
  return Buffer.concat([head, padding, Buffer.alloc(dataBytes ?? offset)]);
}

function writtenValue(value: Value): Buffer[] {
  if (typeof value === 'string') return [u32(8), text(value)];
  if (typeof value === 'number') return [u32(4), u32(value)];
  const [first] = value;
  const elements = value.map((one) => (typeof one === 'string' ? text(one) : u32(one)));
  return [u32(9), u32(typeof first === 'string' ? 8 : 4), u64(value.length), ...elements];
}

function u32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value);
  return buffer;
}

function u64(value: number): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(BigInt(value));
  return buffer;
}

function text(value: string): Buffer {
  return Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)]);
}

/** Metadata of a tiny Llama: 64 wide, two layers, 1,000 tokens. */
export const madeMetadata = {
  'general.architecture': 'llama',
  'llama.embedding_length': 64,
  'llama.block_count': 2,
  'llama.feed_forward_length': 128,
  'llama.attention.head_count': 4,
  'llama.attention.head_count_kv': 2,
  'llama.context_length': 2048,
  'tokenizer.ggml.tokens': Array.from({ length: 1000 }, (_, index) => `t${index}`),
} as const;

/** Its tensors: matrices of layers as Q8_0 (34 bytes for 32), the rest as F16, norms as F32. */
export function madeTensors(): MadeGgufTensor[] {
  const half = (name: string, shape: number[]) => ({ name, shape, type: 1, bytes: 2 * product(shape) });
  const q8 = (name: string, shape: number[]) => ({
    name,
    shape,
    type: 8,
    bytes: (product(shape) / 32) * 34,
  });
  const norm = (name: string) => ({ name, shape: [64], type: 0, bytes: 256 });
  const tensors = [
    half('token_embd.weight', [64, 1000]),
    half('output.weight', [64, 1000]),
    norm('output_norm.weight'),
  ];
  for (const block of [0, 1]) {
    tensors.push(
      q8(`blk.${block}.attn_q.weight`, [64, 64]),
      q8(`blk.${block}.attn_k.weight`, [64, 32]),
      q8(`blk.${block}.attn_v.weight`, [64, 32]),
      q8(`blk.${block}.attn_output.weight`, [64, 64]),
      q8(`blk.${block}.ffn_gate.weight`, [64, 128]),
      q8(`blk.${block}.ffn_up.weight`, [64, 128]),
      q8(`blk.${block}.ffn_down.weight`, [128, 64]),
      norm(`blk.${block}.attn_norm.weight`),
      norm(`blk.${block}.ffn_norm.weight`),
    );
  }
  return tensors;
}

function product(shape: readonly number[]): number {
  return shape.reduce((all, size) => all * size, 1);
}
