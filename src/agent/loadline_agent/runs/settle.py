"""After an engine has ended its memory comes back, but not at once: the next engine would measure what the last one still held."""

import time
from typing import Any, Callable, List, NamedTuple, Optional

from .gpu_state import GpuState, gpu_states

#: A driver's own bookkeeping moves by some megabytes.
TOLERANCE_BYTES = 256 << 20
MOST_SECONDS = 60.0
POLL_SECONDS = 0.5


class Settled(NamedTuple):
    seconds: float
    used_bytes: List[int]
    #: Why it was not waited for any longer; None where all came back.
    trouble: Optional[str]


def used(states: Optional[List[GpuState]]) -> Optional[List[int]]:
    """Bytes in use of each GPU; None where one of them is not known."""
    if not states or any(state.used_bytes is None for state in states):
        return None
    return [state.used_bytes or 0 for state in states]


def wait_settled(gpus: List[int], before: List[int], wait: Callable[[float], Any] = time.sleep) -> Optional[Settled]:
    """`before`: bytes in use of each before the first engine. None where it cannot be read."""
    began = time.monotonic()
    while True:
        now = used(gpu_states(gpus, wait))
        if now is None:
            return None
        seconds = round(time.monotonic() - began, 3)
        if all(held <= was + TOLERANCE_BYTES for held, was in zip(now, before)):
            return Settled(seconds, now, None)
        if seconds > MOST_SECONDS:
            held = "; ".join(
                f"GPU {gpu}: {(now_held - was) / 2**30:.2f} GiB more than before the engine"
                for gpu, now_held, was in zip(gpus, now, before)
                if now_held > was + TOLERANCE_BYTES
            )
            return Settled(
                seconds, now, f"Memory of the GPUs did not come back within {MOST_SECONDS:g} s ({held}); the run goes on."
            )
        wait(POLL_SECONDS)
