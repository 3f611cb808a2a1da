"""One load in several processes: each drives its part with a loop of its own, all begin at the same moment."""

import json
import math
import os
import select
import signal
import time
import traceback
from typing import Any, Callable, Dict, List, Optional

from ..processes import default_signals, die_with, signal_if_there
from .drive import Job, LoadError, drive
from .lengths import mean_length
from .part import part_of

# What one loop carries with room to spare, events a second: measured on a 2.5 GHz Xeon (npm run bench).
_EVENTS_A_PROCESS = 60_000.0
# Of a stream that a server is busy with: a token each 16 ms. Faster ones are few at a time.
_EVENTS_A_STREAM = 60.0
_BEGIN_AFTER_SECONDS = 0.1
_LOOK_SECONDS = 0.1


def process_count(profile: Dict[str, Any]) -> int:
    """As many as the profile says, else by the events a second that it may bring, up to the processors less one. Never
    more than there are streams or requests."""
    given = profile.get("processes")
    sessions = max(1, profile["requests"] // (profile.get("turns") or {}).get("count", 1))
    most = min(sessions, profile.get("concurrency") or sessions, profile.get("maxConcurrency") or sessions)
    if given is not None:
        return min(given, most)
    needed = math.ceil(_offered_events_per_second(profile) / _EVENTS_A_PROCESS)
    return max(1, min(needed, most, len(os.sched_getaffinity(0)) - 1))


def _offered_events_per_second(profile: Dict[str, Any]) -> float:
    kind = profile["profile"]
    if kind == "open-loop":
        return profile["requestsPerSecond"] * mean_length(profile["output"])
    if kind == "trace":
        entries = profile["entries"]
        seconds = (max(entry["atMs"] for entry in entries) - min(entry["atMs"] for entry in entries)) / 1000.0
        return sum(entry["outputTokens"] for entry in entries) * (profile.get("speed") or 1.0) / max(1.0, seconds)
    return (profile["concurrency"] if kind == "closed-loop" else profile["requests"]) * _EVENTS_A_STREAM


class _Child:
    """A process, as the one that started it sees it."""

    def __init__(self, pid: int, reading: int, writing: int) -> None:
        self.pid = pid
        self.reading = reading
        self.writing = writing
        self.unread = b""
        self.warm = False
        self.part: Optional[Dict[str, Any]] = None
        self.progress = {"warm-up": 0, "load": 0}

    def tell(self, words: str) -> None:
        try:
            os.write(self.writing, words.encode() + b"\n")
        except OSError:
            pass  # It has ended; its pipe says how.


def drive_in_processes(job: Job, processes: int, on_progress: Callable[[str, int, int], None]) -> List[Dict[str, Any]]:
    """Parts by process. Raises LoadError."""
    children: List[_Child] = []
    try:
        for part in range(processes):
            children.append(_fork(job, part, processes, children))
        return _collect(job, children, on_progress)
    finally:
        for child in children:
            os.close(child.reading)
            os.close(child.writing)
            signal_if_there(child.pid, signal.SIGKILL)
            os.waitpid(child.pid, 0)


def _collect(job: Job, children: List[_Child], on_progress: Callable[[str, int, int], None]) -> List[Dict[str, Any]]:
    profile = job.profile
    totals = {"warm-up": profile["warmupRequests"], "load": profile["requests"]}
    begun = stopped = False
    phase = "warm-up" if profile["warmupRequests"] else "load"
    while any(child.part is None for child in children):
        waiting = {child.reading: child for child in children if child.part is None}
        readable, _, _ = select.select(list(waiting), [], [], _LOOK_SECONDS)
        for descriptor in readable:
            child = waiting[descriptor]
            data = os.read(descriptor, 1 << 20)
            if not data:
                raise LoadError("load", phase, "a process of the load generator ended without a result")
            *lines, child.unread = (child.unread + data).split(b"\n")
            for line in lines:
                said = json.loads(line.decode())
                if "error" in said:
                    raise LoadError(*said["error"])
                if "progress" in said:
                    phase, completed = said["progress"]
                    child.progress[phase] = completed
                    on_progress(phase, sum(one.progress[phase] for one in children), totals[phase])
                child.warm = child.warm or "warm" in said
                child.part = said.get("part", child.part)
        if not begun and all(child.warm for child in children):
            begun = True
            begin = time.monotonic() + _BEGIN_AFTER_SECONDS
            for child in children:
                child.tell(f"begin {begin!r}")
        if not stopped and job.should_stop():
            stopped = True
            for child in children:
                child.tell("stop")
    return [child.part for child in children if child.part is not None]


def _fork(job: Job, part: int, parts: int, others: List[_Child]) -> _Child:
    from_child, to_parent = os.pipe()
    from_parent, to_child = os.pipe()
    parent, pid = os.getpid(), os.fork()
    if pid:
        os.close(to_parent)
        os.close(from_parent)
        return _Child(pid, from_child, to_child)
    for descriptor in (from_child, to_child, *(end for one in others for end in (one.reading, one.writing))):
        os.close(descriptor)
    _in_child(job, part, parts, parent, from_parent, to_parent)
    raise AssertionError("the child never returns")


def _in_child(job: Job, part: int, parts: int, parent: int, reading: int, writing: int) -> None:
    status = 1
    try:
        default_signals()
        die_with(parent)
        # Ctrl-C at a terminal goes to all; the parent says whether what was measured is kept.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        words = _Words(reading)

        def say(record: Dict[str, Any]) -> None:
            data = json.dumps(record, separators=(",", ":"), allow_nan=False).encode() + b"\n"
            while data:
                data = data[os.write(writing, data) :]

        def when_warm() -> float:
            say({"warm": True})
            return words.wait_for_begin()

        try:
            outcomes = drive(
                job._replace(should_stop=words.stopped),
                lambda phase, completed, _: say({"progress": [phase, completed]}),
                part,
                parts,
                when_warm,
            )
            say({"part": part_of(outcomes, job.profile.get("stream") is not False, job.api_key)})
        except LoadError as error:
            say({"error": [error.kind, error.phase, error.message]})
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


class _Words:
    """What the parent says."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._said = b""
        self._ended = False

    def stopped(self) -> bool:
        while not self._ended and select.select([self._descriptor], [], [], 0)[0]:
            self._read()
        return self._ended or b"stop" in self._said

    def wait_for_begin(self) -> float:
        """0 where it is to stop at once: the loop asks itself."""
        while not self._ended and b"stop" not in self._said:
            for line in self._said.split(b"\n")[:-1]:
                if line.startswith(b"begin "):
                    return float(line[6:].decode())
            self._read()
        return 0.0

    def _read(self) -> None:
        data = os.read(self._descriptor, 4096)
        self._said += data
        self._ended = self._ended or not data
