"""What became of the requests of one phase."""

import time
from array import array
from typing import List, Optional, Tuple

from .response import ResponseReader


class Outcomes:
    """By order of sending. Times are monotonic seconds."""

    def __init__(self) -> None:
        self.serial: List[int] = []
        self.sent: List[float] = []
        #: When it was due; None where a free user was all that it waited for.
        self.scheduled: List[Optional[float]] = []
        #: Copy of the engine, and place in its session.
        self.target: List[int] = []
        self.turn: List[int] = []
        #: First and last event with a token; None where there was none.
        self.first: List[Optional[float]] = []
        self.last: List[Optional[float]] = []
        #: Seconds by which `first` may be too late: what shared its read with it had the stamp, or nothing had one.
        self.first_doubt: List[float] = []
        #: Events with a token that came in one read with the first, beside it.
        self.first_company: List[int] = []
        #: Events that carried a token.
        self.chunks: List[int] = []
        #: Kind and message of what ended a request from outside its answer.
        self.failure: List[Optional[Tuple[str, str]]] = []
        #: None while it is in flight.
        self.answers: List[Optional[ResponseReader]] = []
        #: Between events with a token, over all requests.
        self.gaps = array("f")
        #: From the kernel's having a read's bytes to the loop's handling them.
        self.lags = array("f")
        #: From the time that a request was to begin (its user free, or it due and a place free) to its sending.
        self.begin_delays = array("f")
        #: Reads that the kernel had not stamped.
        self.unstamped = 0
        #: When, events with a token so far, requests in flight; ten times a second.
        self.samples: List[Tuple[float, int, int]] = []
        #: Requests due before the load's time was over that it never came to send.
        self.unsent = 0
        #: Time in which the loop waited for the kernel, of `wall`; `cpu` is its thread's.
        self.slept = 0.0
        self.wall = 0.0
        self.cpu = 0.0
        #: Added to a monotonic time it gives the wall's.
        self.wall_offset = time.time() - time.monotonic()

    def begin(self, serial: int, scheduled: Optional[float], target: int, turn: int) -> int:
        """Its place."""
        self.serial.append(serial)
        self.sent.append(0.0)
        self.scheduled.append(scheduled)
        self.target.append(target)
        self.turn.append(turn)
        self.first.append(None)
        self.last.append(None)
        self.first_doubt.append(0.0)
        self.first_company.append(0)
        self.chunks.append(0)
        self.failure.append(None)
        self.answers.append(None)
        return len(self.sent) - 1
