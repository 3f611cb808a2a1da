"""SGLang's server (`python -m sglang.launch_server`)."""

from typing import List

from .causes import ANY_TIME, AT_START, REFUSED_CONFIGURATION, TORCH_OUT_OF_MEMORY
from .failure import Cause, Remedy
from .kind import EngineKind, MetricNames


def arguments(host: str, port: int) -> List[str]:
    # Without --enable-metrics the route answers 404.
    return ["--host", host, "--port", str(port), "--enable-metrics"]


#: mem-fraction-static holds weights and KV cache. Too small a pool at start wants it raised: the other way than vLLM's flag
#: after an allocation that failed.
CAUSES = (
    Cause(
        "refused",
        r"Not enough memory\. Please try to increase --mem-fraction-static",
        "weights fill the static share: raise mem-fraction-static, or use a smaller model or more GPUs",
        (
            Remedy("mem-fraction-static", "raise", "it holds the weights and the KV cache, and the weights fill it"),
            Remedy("tensor-parallel-size", "raise", "weights are divided among GPUs"),
        ),
        "profile",
    ),
    Cause(
        "out-of-memory",
        r"Capture cuda graph failed.*|Exception: Capture cuda graph failed",
        "no room outside the static share to capture CUDA graphs: lower mem-fraction-static or cuda-graph-max-bs",
        (
            Remedy("mem-fraction-static", "lower", "graphs are captured outside of the static share"),
            Remedy("cuda-graph-max-bs", "lower", "fewer and smaller graphs are captured"),
        ),
        "capture",
    ),
    Cause(
        "out-of-memory",
        TORCH_OUT_OF_MEMORY,
        "the GPU ran out of memory outside the static share: lower mem-fraction-static, chunked-prefill-size or max-running-requests",
        (
            Remedy("mem-fraction-static", "lower", "activations are allocated outside of the static share"),
            Remedy("chunked-prefill-size", "lower", "the activation peak grows with it"),
        ),
    ),
    *ANY_TIME,
    *AT_START,
    REFUSED_CONFIGURATION,
)

PHASES = (
    ("profile", r"Load weight end"),
    ("capture", r"KV Cache is allocated|Memory pool end"),
    ("warm-up", r"Capture cuda graph end"),
    ("serving", r"The server is fired up and ready to roll"),
)

SGLANG = EngineKind(
    name="sglang",
    label="SGLang",
    arguments=arguments,
    documentation="https://docs.sglang.ai/advanced_features/server_arguments.html",
    verified=None,
    # --api-key is its only way to take one.
    key_variable=None,
    causes=CAUSES,
    phases=PHASES,
    metrics=MetricNames(
        "/metrics",
        running=("sglang:num_running_reqs",),
        waiting=("sglang:num_queue_reqs",),
        kv_usage=("sglang:token_usage",),
        prompt_tokens=("sglang:prompt_tokens_total",),
        generation_tokens=("sglang:generation_tokens_total",),
    ),
    versions=(("/server_info", "version"), ("/get_server_info", "version")),
)
