"""`transformers serve`. It loads the model with the first request, which `accelerate` must be there for."""

from typing import List

from .causes import ANY_TIME, AT_START, REFUSED_CONFIGURATION, TORCH_OUT_OF_MEMORY
from .failure import Cause
from .kind import EngineKind, Verified


def arguments(host: str, port: int) -> List[str]:
    return ["--host", host, "--port", str(port)]


CAUSES = (
    Cause(
        "out-of-memory",
        TORCH_OUT_OF_MEMORY,
        "the GPU ran out of memory: a smaller data type or model, or fewer and shorter requests",
    ),
    *ANY_TIME,
    *AT_START,
    REFUSED_CONFIGURATION,
)

TRANSFORMERS = EngineKind(
    name="transformers",
    label="transformers serve",
    arguments=arguments,
    documentation="https://huggingface.co/docs/transformers/serving",
    verified=Verified("5.20.2", "2026-11-25", "a CPU, a Llama of two layers with random weights"),
    # It has no key at all.
    key_variable=None,
    causes=CAUSES,
    phases=(("warm-up", r"Application startup complete|Uvicorn running on"),),
    metrics=None,
    # Older releases lack it.
    health_may_lack=True,
    # It lists what the cache holds, and loads whatever a request names.
    keeps_name=False,
    takes_token_ids=False,
    # 5.20 refuses fields that it does not know.
    takes_ignore_eos=False,
    # Its last event has usage and the reason of the end.
    marks_end=False,
)
