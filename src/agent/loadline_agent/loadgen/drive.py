"""One process's part of a load: it warms up, waits for the others, measures."""

import gc
import resource
from typing import Any, Callable, Dict, List, NamedTuple, Optional

from .connections import Address
from .loop import Loop, Stopped
from .outcomes import Outcomes
from .pacing import Pacing, pacing_of, warmup_pacing
from .part import failure_of, without_secret
from .profile import BadProfile
from .prompts import Sizing
from .requests import RequestFactory

#: From the sending of a request to the end of its answer.
REQUEST_TIMEOUT_SECONDS = 600.0

# Descriptors that the process needs beside one a stream.
_OTHER_DESCRIPTORS = 64

Progress = Callable[[str, int, int], None]


class LoadError(Exception):
    """No measurement came of it.

    `kind`: `bad-profile`, `unsupported` (no Linux), `unreachable` (the host has no address), `cancelled`, `timeout` (the deadline passed), `load`
    (not one warm-up request succeeded). `phase`: `warm-up` or `load`.
    """

    def __init__(self, kind: str, phase: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.phase = phase
        self.message = message


class Job(NamedTuple):
    """What is to be measured, checked and looked up: the same in each process."""

    addresses: List[Address]
    model: str
    profile: Dict[str, Any]
    sizing: Sizing
    should_stop: Callable[[], bool]
    deadline: float
    request_timeout: float = REQUEST_TIMEOUT_SECONDS
    #: What was measured before `should_stop` is then the result, in place of a LoadError.
    keeps_what_was_measured: bool = False

    @property
    def api_key(self) -> Optional[str]:
        return self.addresses[0].target.api_key


def drive(
    job: Job, on_progress: Progress, part: int = 0, parts: int = 1, when_warm: Callable[[], float] = lambda: 0.0
) -> Outcomes:
    """What one process measures, before it is made into a document. `when_warm` gives the begin of the load, monotonic
    seconds. Raises LoadError."""
    profile = job.profile
    targets = [address.target for address in job.addresses]
    try:
        pacing = pacing_of(profile, part, parts)
        warmup = warmup_pacing(profile, part, parts)
        warmup_factory = RequestFactory(profile, targets, job.model, warmup=True, sizing=job.sizing)
        factory = RequestFactory(profile, targets, job.model, sizing=job.sizing)
        streams = max(pacing.users, warmup.users)
        _allow_descriptors(max(streams, pacing.most_in_flight or 0) + _OTHER_DESCRIPTORS, pacing.offsets is not None)
    except BadProfile as error:
        raise LoadError("bad-profile", "warm-up", str(error)) from error
    streamed = profile.get("stream") is not False
    loop = Loop(job.addresses, profile["api"], job.request_timeout, job.deadline, job.should_stop, streamed)
    loop.marked_end = profile.get("doneMark") is not False
    collects_garbage = gc.isenabled()
    gc.disable()
    try:
        loop.open_streams(streams)
        if warmup.count:
            warmed = _phase(loop, "warm-up", warmup_factory, warmup, job, on_progress)
            _require_one_success(warmed, job.api_key)
        return _phase(loop, "load", factory, pacing, job, on_progress, when_warm())
    finally:
        if collects_garbage:
            gc.enable()
        loop.close()


def _allow_descriptors(needed: int, as_many_as_possible: bool) -> None:
    """Raises this process's own limit as far as it may. The usual one of 1,024 is for `select`, which waits for one only.
    What an open loop will need nobody knows beforehand."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or (soft >= needed and not as_many_as_possible):
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise BadProfile(f"concurrency needs {needed} open files, this account may have {hard} (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard if as_many_as_possible else needed, hard))


def _phase(
    loop: Loop,
    phase: str,
    factory: RequestFactory,
    pacing: Pacing,
    job: Job,
    on_progress: Progress,
    begin: float = 0.0,
) -> Outcomes:
    try:
        return loop.run(factory, pacing, lambda completed, total: on_progress(phase, completed, total), begin)
    except Stopped as stopped:
        if job.keeps_what_was_measured and stopped.kind == "cancelled" and phase == "load":
            return stopped.outcomes
        said = "cancelled" if stopped.kind == "cancelled" else "not finished by the deadline"
        message = f"{said}: {stopped.completed} of {stopped.total} requests done"
        raise LoadError(stopped.kind, phase, message) from stopped


def _require_one_success(outcomes: Outcomes, api_key: Optional[str]) -> None:
    failures = [failure_of(outcomes, index) for index in range(len(outcomes.sent))]
    if failures[0] is not None and all(failures):
        kind, message = failures[0]
        raise LoadError(
            "load",
            "warm-up",
            f"none of {len(failures)} warm-up requests succeeded; the first: {kind}: {without_secret(message, api_key)}",
        )
