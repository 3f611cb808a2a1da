/**
 * Values that options take, or are usually given. Enumerations: vLLM config/cache.py (`CacheDType`, `MambaDType`), config/model.py
 * (`ModelDType`), config/load.py, model_executor/layers/quantization; 0.26. Numbers: what people try next.
 */
const usual: Readonly<Record<string, readonly (string | number)[]>> = {
  'kv-cache-dtype': ['auto', 'bfloat16', 'float16', 'fp8', 'fp8_e4m3', 'fp8_e5m2'],
  dtype: ['auto', 'bfloat16', 'float16', 'float32'],
  quantization: ['fp8', 'bitsandbytes', 'awq', 'gptq', 'awq_marlin', 'gptq_marlin', 'compressed-tensors'],
  'load-format': ['auto', 'safetensors', 'dummy', 'gguf', 'bitsandbytes', 'runai_streamer', 'tensorizer'],
  'mamba-cache-dtype': ['auto', 'float32', 'float16', 'bfloat16'],
  'mamba-ssm-cache-dtype': ['auto', 'float32', 'float16', 'bfloat16'],
  'mamba-cache-mode': ['none', 'align', 'all'],
  'mm-encoder-tp-mode': ['weights', 'data'],
  'performance-mode': ['balanced', 'interactivity', 'throughput'],
  'distributed-executor-backend': ['mp', 'ray', 'uni'],
  runner: ['auto', 'generate', 'pooling'],
  'gpu-memory-utilization': [0.8, 0.85, 0.9, 0.92, 0.95],
  'max-num-seqs': [16, 32, 64, 128, 256, 512, 1024],
  'max-num-batched-tokens': [2048, 4096, 8192, 16_384, 32_768],
  'max-model-len': [4096, 8192, 16_384, 32_768, 65_536, 131_072],
  'tensor-parallel-size': [1, 2, 4, 8],
  'pipeline-parallel-size': [1, 2, 4],
  'data-parallel-size': [1, 2, 4, 8],
  'block-size': [16, 32, 64, 128],
  'max-lora-rank': [8, 16, 32, 64, 128],
};

export function usualVllmValues(name: string): readonly (string | number)[] {
  return Object.hasOwn(usual, name) ? (usual[name] ?? []) : [];
}
