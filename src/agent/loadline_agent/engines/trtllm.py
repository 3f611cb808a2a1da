"""TensorRT-LLM's server, `trtllm-serve`."""

from typing import List

from .causes import ANY_TIME, AT_START, REFUSED_CONFIGURATION, TORCH_OUT_OF_MEMORY
from .failure import Cause, Remedy
from .kind import EngineKind, MetricNames


def arguments(host: str, port: int) -> List[str]:
    return ["--host", host, "--port", str(port)]


SMALLER = (
    Remedy("kv_cache_free_gpu_memory_fraction", "lower", "the KV cache takes that share of what weights leave free"),
    Remedy("max_batch_size", "lower", "buffers grow with it"),
    Remedy("max_num_tokens", "lower", "the activation peak grows with it"),
)

CAUSES = (
    Cause(
        "out-of-memory",
        r"Executor creation failed due to insufficient GPU memory",
        "the line after it names the part that did not fit: lower what makes that part",
        SMALLER,
    ),
    Cause(
        "out-of-memory",
        r"Executor creation failed with an error which might indicate insufficient GPU memory",
        "perhaps memory, perhaps NCCL: the lines above say which",
        SMALLER,
    ),
    Cause(
        "refused",
        r"maxTokensInPagedKvCache must be large enough",
        "the KV cache is too small for one request of full length: lower max_seq_len or raise kv_cache_free_gpu_memory_fraction",
        (
            Remedy("max_seq_len", "lower", "one request of full length must fit in the KV cache"),
            Remedy("kv_cache_free_gpu_memory_fraction", "raise", "what it adds goes to the KV cache"),
        ),
    ),
    Cause(
        "out-of-memory",
        TORCH_OUT_OF_MEMORY,
        "the GPU ran out of memory: lower kv_cache_free_gpu_memory_fraction, max_num_tokens or max_batch_size",
        SMALLER,
    ),
    *ANY_TIME,
    *AT_START,
    REFUSED_CONFIGURATION,
)

PHASES = (
    ("profile", r"memory usage profiling|Estimating? .*KV cache|Peak memory during memory usage profiling"),
    ("capture", r"CUDA graph warmup|Creating CUDA graph"),
    ("serving", r"Application startup complete|Uvicorn running on"),
)

TRTLLM = EngineKind(
    name="trtllm",
    label="TensorRT-LLM",
    arguments=arguments,
    documentation="https://nvidia.github.io/TensorRT-LLM/commands/trtllm-serve/trtllm-serve.html",
    verified=None,
    # It has no key at all.
    key_variable=None,
    causes=CAUSES,
    phases=PHASES,
    # /metrics is a queue that reading empties. This one is there with `return_perf_metrics: true`.
    metrics=MetricNames(
        "/prometheus/metrics",
        running=("trtllm_num_requests_running",),
        waiting=("trtllm_num_requests_waiting",),
        kv_usage=("trtllm_kv_cache_utilization",),
    ),
    versions=(("/version", "version"),),
    keeps_name=False,
)
