"""vLLM's OpenAI server, started by its own command."""

from typing import List

from .causes import ANY_TIME, AT_START, REFUSED_CONFIGURATION, TORCH_OUT_OF_MEMORY
from .failure import Cause, Remedy
from .kind import EngineKind, MetricNames, Verified


def arguments(host: str, port: int) -> List[str]:
    return ["--host", host, "--port", str(port)]


#: `refused`: vLLM worked out that it will not fit and said so. `out-of-memory`: an allocation failed.
CAUSES = (
    Cause(
        "refused",
        r"Free memory on device .* is less than desired GPU memory utilization",
        "other processes hold memory of the GPU: free it, or lower gpu-memory-utilization",
        (Remedy("gpu-memory-utilization", "lower", "less is free at start than it asks for"),),
        "load",
    ),
    Cause(
        "refused",
        r"No available memory for the cache blocks",
        "weights and activations leave no memory for the KV cache: raise gpu-memory-utilization, or use a smaller model or more GPUs",
        (
            Remedy("gpu-memory-utilization", "raise", "weights and activations take all of the share"),
            Remedy("max-num-batched-tokens", "lower", "the activation peak grows with it"),
            Remedy("tensor-parallel-size", "raise", "weights are divided among GPUs"),
        ),
        "profile",
    ),
    Cause(
        "refused",
        r"To serve at least one request with the models?'?s? max(?:imum)? seq(?:uence)? len.*estimated maximum model length is (\d+)",
        "the KV cache is too small for one request of full length: lower max-model-len or raise gpu-memory-utilization",
        (
            Remedy("max-model-len", "set", "the longest that vLLM says fits", 1),
            Remedy("gpu-memory-utilization", "raise", "what it adds goes to the KV cache"),
        ),
        "profile",
    ),
    Cause(
        "refused",
        r"To serve at least one request with the models?'?s? max(?:imum)? seq(?:uence)? len|max seq len \(\d+\) is larger than the maximum number of tokens",
        "the KV cache is too small for one request of full length: lower max-model-len or raise gpu-memory-utilization",
        (
            Remedy("max-model-len", "lower", "one request of full length must fit in the KV cache"),
            Remedy("gpu-memory-utilization", "raise", "what it adds goes to the KV cache"),
        ),
        "profile",
    ),
    Cause(
        "refused",
        r"max_num_seqs \(\d+\) exceeds (?:the number of )?available Mamba cache blocks",
        "the state cache holds fewer sequences than max-num-seqs: lower it or raise gpu-memory-utilization",
        (
            Remedy("max-num-seqs", "lower", "each sequence takes a block of state"),
            Remedy("gpu-memory-utilization", "raise", "what it adds goes to the caches"),
        ),
        "profile",
    ),
    Cause(
        "out-of-memory",
        r"CUDA out of memory occurred when warming up (sampler|pooler) with \d+ dummy requests",
        "lower max-num-seqs or gpu-memory-utilization",
        (
            Remedy("max-num-seqs", "lower", "the sampler is warmed up with so many requests"),
            Remedy("gpu-memory-utilization", "lower", "it leaves more outside the KV cache"),
        ),
        "warm-up",
    ),
    Cause(
        "profiling-disturbed",
        r"Error in memory profiling.*[Ii]nitial free memory",
        "another process freed memory of the GPU while vLLM measured it: start again when the GPU is quiet",
        (),
        "profile",
    ),
    Cause(
        "out-of-memory",
        TORCH_OUT_OF_MEMORY,
        "the GPU ran out of memory: lower gpu-memory-utilization, max-num-batched-tokens or max-num-seqs, or use more GPUs",
        (
            Remedy("gpu-memory-utilization", "lower", "CUDA graphs, NCCL and other processes need room beside its share"),
            Remedy("max-num-batched-tokens", "lower", "the activation peak grows with it"),
            Remedy("max-num-seqs", "lower", "graphs and sampler grow with it"),
        ),
    ),
    *ANY_TIME,
    *AT_START,
    REFUSED_CONFIGURATION,
)

#: Lines of 0.26 (test/fixtures/vllm-0.26-h200), in the order of a start.
PHASES = (
    ("profile", r"Model loading took"),
    ("capture", r"GPU KV cache size"),
    ("warm-up", r"Graph capturing finished"),
    ("serving", r"Application startup complete|Starting vLLM (?:API )?server"),
)

METRICS = MetricNames(
    "/metrics",
    running=("vllm:num_requests_running",),
    waiting=("vllm:num_requests_waiting",),
    kv_usage=("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"),
    preemptions=("vllm:num_preemptions_total",),
    prompt_tokens=("vllm:prompt_tokens_total",),
    generation_tokens=("vllm:generation_tokens_total",),
    prefix_cache_hits=("vllm:prefix_cache_hits_total", "vllm:gpu_prefix_cache_hits_total"),
    prefix_cache_queries=("vllm:prefix_cache_queries_total", "vllm:gpu_prefix_cache_queries_total"),
)

VLLM = EngineKind(
    name="vllm",
    label="vLLM",
    arguments=arguments,
    documentation="https://docs.vllm.ai/en/latest/cli/serve.html",
    verified=Verified("0.26.0", "2026-11-25", "one NVIDIA H100, driver 580.159.04"),
    # Not --api-key: arguments are seen by every user of the host, and vLLM prints them into its log.
    key_variable="VLLM_API_KEY",
    causes=CAUSES,
    phases=PHASES,
    metrics=METRICS,
    versions=(("/version", "version"),),
    says_token_ids=True,
)
