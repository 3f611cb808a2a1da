"""Engines that a run can start: one module each, which says how it is launched, when it is ready, what its metrics are called,
what its log says, and how it is stopped (kind.py)."""

from typing import Dict

from .command import COMMAND
from .kind import EngineKind
from .llama_cpp import LLAMA_CPP
from .sglang import SGLANG
from .tgi import TGI
from .transformers_serve import TRANSFORMERS
from .triton import TRITON
from .trtllm import TRTLLM
from .vllm import VLLM

BY_NAME: Dict[str, EngineKind] = {
    kind.name: kind for kind in (VLLM, SGLANG, TGI, TRTLLM, TRITON, LLAMA_CPP, TRANSFORMERS, COMMAND)
}


def engine_named(name: str) -> EngineKind:
    return BY_NAME[name]
