"""What became of the requests of one phase."""

import time
from array import array
from typing import List, Optional, Tuple

from .response import ResponseReader


class Outcomes:
    """By order of sending. Times are monotonic seconds."""

    def __init__(self, count: int) -> None:
        self.sent: List[float] = [0.0] * count
        #: First and last event with a token; None where there was none.
        self.first: List[Optional[float]] = [None] * count
        self.last: List[Optional[float]] = [None] * count
        #: Events that carried a token.
        self.chunks: List[int] = [0] * count
        #: Kind and message of what ended a request from outside its answer.
        self.failure: List[Optional[Tuple[str, str]]] = [None] * count
        self.answers: List[ResponseReader] = [ResponseReader()] * count
        #: Between events with a token, over all requests.
        self.gaps = array("f")
        #: From the kernel's having a read's bytes to the loop's handling them.
        self.lags = array("f")
        #: Reads that the kernel had not stamped.
        self.unstamped = 0
        #: Time in which the loop waited for the kernel, of `wall`; `cpu` is its thread's.
        self.slept = 0.0
        self.wall = 0.0
        self.cpu = 0.0
        #: Added to a monotonic time it gives the wall's.
        self.wall_offset = time.time() - time.monotonic()
