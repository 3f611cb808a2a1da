"""llama.cpp's server, `llama-server`."""

from typing import List

from .causes import ANY_TIME, AT_START
from .failure import Cause, Remedy
from .kind import EngineKind, MetricNames


def arguments(host: str, port: int) -> List[str]:
    # Its default port was another in some releases. Without --metrics the route answers 501.
    return ["--host", host, "--port", str(port), "--metrics"]


SMALLER = (
    Remedy("n-gpu-layers", "lower", "layers that are not on the GPU take host memory instead"),
    Remedy("ctx-size", "lower", "the KV cache grows with it"),
    Remedy("ubatch-size", "lower", "the compute buffer grows with it"),
)

CAUSES = (
    Cause(
        "out-of-memory",
        r"allocating [\d.]+ MiB on device \d+: cudaMalloc failed: out of memory",
        "the GPU has no room for this buffer: lower n-gpu-layers, ctx-size or ubatch-size",
        SMALLER,
    ),
    Cause(
        "out-of-memory",
        r"failed to allocate .* buffer|cudaMalloc failed: out of memory|CUDA error: out of memory",
        "a buffer could not be allocated: lower n-gpu-layers, ctx-size or ubatch-size",
        SMALLER,
    ),
    *ANY_TIME,
    *AT_START,
    Cause(
        "refused",
        r"unknown model architecture|error loading model|failed to load model",
        "the file was not loaded; the lines above say why",
    ),
)

PHASES = (
    ("profile", r"llama_kv_cache|llama_context: constructing"),
    ("warm-up", r"warming up the model"),
    ("serving", r"server is listening on|all slots are idle"),
)

LLAMA_CPP = EngineKind(
    name="llama-cpp",
    label="llama.cpp",
    arguments=arguments,
    documentation="https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md",
    verified=None,
    key_variable="LLAMA_API_KEY",
    causes=CAUSES,
    phases=PHASES,
    metrics=MetricNames(
        "/metrics",
        running=("llamacpp:requests_processing",),
        waiting=("llamacpp:requests_deferred",),
        # Gone in current builds.
        kv_usage=("llamacpp:kv_cache_usage_ratio",),
        prompt_tokens=("llamacpp:prompt_tokens_total",),
        generation_tokens=("llamacpp:tokens_predicted_total",),
    ),
    versions=(("/props", "build_info"),),
    # The name is --alias, else the file.
    keeps_name=False,
)
