"""Engines that a run can start: one module each. A module has

- `arguments(port)`: what follows the engine's own command line,
- `environment(api_key)`: what it needs in its environment, secrets included,
- `CAUSES`: what its log says when it does not start, most telling first (see failure.py).
"""

from types import ModuleType

from . import vllm

BY_NAME = {"vllm": vllm}


def engine_named(name: str) -> ModuleType:
    return BY_NAME[name]
