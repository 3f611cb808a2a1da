"""Triton with its vLLM backend, behind its OpenAI frontend (`openai_frontend/main.py` of the tritonserver image).

The plan names the model repository; what vLLM is given stands in its `model.json`.
"""

from typing import List

from .causes import REFUSED_CONFIGURATION
from .failure import Cause
from .kind import EngineKind, MetricNames
from .vllm import CAUSES as VLLM_CAUSES
from .vllm import METRICS as VLLM_METRICS
from .vllm import PHASES as VLLM_PHASES


def arguments(host: str, port: int) -> List[str]:
    return ["--host", host, "--openai-port", str(port)]


CAUSES = (
    *(cause for cause in VLLM_CAUSES if cause is not REFUSED_CONFIGURATION),
    Cause(
        "model-missing",
        r"failed to load '|failed to poll from model repository|model repository .* does not exist",
        "a model of the repository was not loaded: the lines above say why",
    ),
    Cause(
        "port-in-use",
        r"failed to start (?:HTTP|GRPC|Metrics) service",
        "another process holds one of its ports",
    ),
    Cause(
        "shared-memory",
        r"Unable to initialize shared memory key",
        "another Triton of this host uses the same region of shared memory: end it, or give --backend-config=python,shm-region-prefix-name=…",
    ),
    REFUSED_CONFIGURATION,
)

TRITON = EngineKind(
    name="triton",
    label="Triton (vLLM backend)",
    arguments=arguments,
    documentation="https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/client_guide/openai_readme.html",
    verified=None,
    # --openai-restricted-api takes a key in its arguments alone.
    key_variable=None,
    causes=CAUSES,
    phases=(*VLLM_PHASES[:-1], ("serving", r"Application startup complete|Uvicorn running on")),
    metrics=VLLM_METRICS._replace(waiting=("vllm:num_requests_waiting", "nv_inference_pending_request_count")),
    health="/health/ready",
    version_pattern=r"server_version\s*\|\s*([\d.]+)",
    # The name is that of the folder in the repository.
    keeps_name=False,
    takes_token_ids=False,
)
