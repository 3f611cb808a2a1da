/** Small checkpoints made for tests: the files are real in form, their weights are zeros. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ByteReader, localReader } from '../../../src/storage/checkpoint/byteReader.ts';

export interface MadeTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** A tiny Llama of two layers: 64 wide, 1,000 tokens, tied or not. */
export const madeConfig = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_size: 64,
  intermediate_size: 128,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 4,
  vocab_size: 1000,
  max_position_embeddings: 2048,
  torch_dtype: 'bfloat16',
};

/** Names and shapes of what such a model stores. */
export function madeShapes(layers = 2): ReadonlyMap<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>([
    ['model.embed_tokens.weight', [1000, 64]],
    ['lm_head.weight', [1000, 64]],
    ['model.norm.weight', [64]],
  ]);
  for (let layer = 0; layer < layers; layer++) {
    const prefix = `model.layers.${layer}`;
    for (const name of ['q_proj', 'k_proj', 'v_proj', 'o_proj']) {
      shapes.set(`${prefix}.self_attn.${name}.weight`, [64, 64]);
    }
    for (const name of ['gate_proj', 'up_proj']) shapes.set(`${prefix}.mlp.${name}.weight`, [128, 64]);
    shapes.set(`${prefix}.mlp.down_proj.weight`, [64, 128]);
    for (const name of ['input_layernorm', 'post_attention_layernorm']) {
      shapes.set(`${prefix}.${name}.weight`, [64]);
    }
  }
  return shapes;
}

/** A header over bfloat16 tensors, one after the other. */
export function madeHeader(shapes: ReadonlyMap<string, readonly number[]>): Record<string, MadeTensor> {
  const header: Record<string, MadeTensor> = {};
  let end = 0;
  for (const [name, shape] of shapes) {
    const begin = end;
    end += 2 * shape.reduce((product, size) => product * size, 1);
    header[name] = { dtype: 'BF16', shape, data_offsets: [begin, end] };
  }
  return header;
}

/** A whole safetensors file of a header. */
export function madeFile(header: Readonly<Record<string, MadeTensor>>, dataBytes?: number): Buffer {
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  const end = Math.max(0, ...Object.values(header).map((tensor) => tensor.data_offsets[1]));
  return Buffer.concat([length, json, Buffer.alloc(dataBytes ?? end)]);
}

/** A folder with a config.json and one file, or as many shards as there are maps, with their index. */
export async function writeModel(
  folder: string,
  shards: readonly ReadonlyMap<string, readonly number[]>[],
  config: Readonly<Record<string, unknown>> = madeConfig,
): Promise<string> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'config.json'), JSON.stringify(config));
  const [only] = shards;
  if (shards.length === 1 && only !== undefined) {
    await writeFile(join(folder, 'model.safetensors'), madeFile(madeHeader(only)));
    return folder;
  }
  const weightMap: Record<string, string> = {};
  for (const [index, shapes] of shards.entries()) {
    const name = shardName(index + 1, shards.length);
    await writeFile(join(folder, name), madeFile(madeHeader(shapes)));
    for (const tensor of shapes.keys()) weightMap[tensor] = name;
  }
  if (shards.length > 1) {
    await writeFile(
      join(folder, 'model.safetensors.index.json'),
      JSON.stringify({ metadata: { total_size: 1 }, weight_map: weightMap }),
    );
  }
  return folder;
}

export function shardName(number: number, of: number): string {
  const digits = (value: number) => String(value).padStart(5, '0');
  return `model-${digits(number)}-of-${digits(of)}.safetensors`;
}

/** This machine's files, and how much was read of each. */
export class CountingReader implements ByteReader {
  bytesRead = 0;

  entry(path: string) {
    return localReader.entry(path);
  }

  names(folder: string) {
    return localReader.names(folder);
  }

  async read(path: string, position: number, length: number) {
    const bytes = await localReader.read(path, position, length);
    this.bytesRead += bytes.length;
    return bytes;
  }
}

/** One file in memory, for tests that change its every byte; counts what is asked for. */
export class MemoryReader implements ByteReader {
  mostAsked = 0;
  readonly #content: Uint8Array;

  constructor(content: Uint8Array) {
    this.#content = content;
  }

  async entry() {
    return { kind: 'file', bytes: this.#content.length } as const;
  }

  async names() {
    return ['model.safetensors'];
  }

  async read(_path: string, position: number, length: number) {
    this.mostAsked = Math.max(this.mostAsked, length);
    return this.#content.slice(position, position + length);
  }
}
