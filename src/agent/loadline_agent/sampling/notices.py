"""What whoever looks should know, said once."""

from typing import Callable, Dict, List, Optional, Set

from ..clock import monotonic_ms

#: A step of the wall clock that is not its steady correction.
CLOCK_STEP_SECONDS = 0.05


class Notices:
    def __init__(self, write: Callable[[dict], None]) -> None:
        self._write = write
        self._failing: Dict[str, Set[int]] = {}

    def say(self, code: str, message: str, gpus: Optional[List[int]] = None) -> None:
        self._write(
            {
                "type": "telemetry-notice",
                "monotonicMs": monotonic_ms(),
                "gpus": gpus or [],
                "code": code,
                "message": message,
            }
        )

    def failing(self, reading: str, gpu: int, why: str) -> None:
        """At the first failure in a row."""
        gpus = self._failing.setdefault(reading, set())
        if gpu not in gpus:
            gpus.add(gpu)
            self.say("reading-failed", f"{reading} cannot be read: {why}", [gpu])

    def working(self, reading: str, gpu: int) -> None:
        gpus = self._failing.get(reading)
        if gpus and gpu in gpus:
            gpus.discard(gpu)
            self.say("reading-back", f"{reading} can be read again", [gpu])


class ClockWatch:
    """Says when the wall clock was set: times before and after it do not compare, those of the monotonic clock do."""

    def __init__(self, notices: Notices) -> None:
        self._notices = notices
        self._difference: Optional[float] = None

    def look(self, monotonic: float, wall: float) -> None:
        difference, last = wall - monotonic, self._difference
        self._difference = difference
        if last is not None and abs(difference - last) > CLOCK_STEP_SECONDS:
            self._notices.say("clock-set", f"the host's clock was set by {(difference - last) * 1000:+.0f} ms")
