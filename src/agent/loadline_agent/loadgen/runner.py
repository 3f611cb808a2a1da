"""`run_load`: warm-up, then the measured load, against OpenAI-compatible endpoints over HTTP/1.1."""

import gc
import resource
import select
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence

from .connections import Address, address_of
from .loop import Loop, Stopped
from .outcomes import Outcomes
from .pacing import Pacing, pacing_of, warmup_pacing
from .parallel import drive_in_processes, process_count
from .part import failure_of, part_of, without_secret
from .profile import BadProfile, check_profile
from .prompts import Sizing
from .report import measurement_of
from .requests import RequestFactory
from .sizing import size_prompts
from .targets import Target

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


def run_load(
    targets: Sequence[Target],
    model: str,
    profile: Dict[str, Any],
    on_progress: Progress,
    should_stop: Callable[[], bool],
    deadline_monotonic: float,
    request_timeout_seconds: float = REQUEST_TIMEOUT_SECONDS,
    keeps_what_was_measured: bool = False,
) -> Dict[str, Any]:
    """Drives `profile` (a LoadProfile) and returns its TrialMeasurement. Raises LoadError.

    Several `targets` are copies of one engine: users of a closed loop are dealt out to them, sessions of other loads sent
    to one after the other. `on_progress(phase, completed, total)` is told about once a second and `should_stop()` asked
    ten times a second, both from within the loop: they are to be quick. Requests that fail are part of the measurement.
    """
    job = prepare(
        targets, model, profile, should_stop, deadline_monotonic, request_timeout_seconds, keeps_what_was_measured
    )
    processes = process_count(profile)
    if processes > 1:
        parts = drive_in_processes(job, processes, on_progress)
    else:
        outcomes = drive(job, on_progress)
        parts = [part_of(outcomes, profile.get("stream") is not False, job.api_key)]
    if not any(part["columns"]["sent"] for part in parts):
        raise LoadError("cancelled", "load", "cancelled before a request was done")
    measured = measurement_of(parts, profile)
    measured["promptSizing"] = "token-ids" if profile["prompt"] == "token-ids" else job.sizing.by
    return measured


def prepare(
    targets: Sequence[Target],
    model: str,
    profile: Dict[str, Any],
    should_stop: Callable[[], bool],
    deadline: float,
    request_timeout: float = REQUEST_TIMEOUT_SECONDS,
    keeps_what_was_measured: bool = False,
) -> Job:
    """Looks up addresses, and asks the first target how long its words are where prompts are text. Raises LoadError."""
    if not hasattr(select, "epoll"):
        raise LoadError("unsupported", "warm-up", "the load generator needs Linux (epoll); run it on the engine's host")
    try:
        check_profile(profile)
    except BadProfile as error:
        raise LoadError("bad-profile", "warm-up", str(error)) from error
    addresses = []
    for target in targets:
        try:
            addresses.append(address_of(target))
        except OSError as error:
            raise LoadError("unreachable", "warm-up", f"{target.host}: {error.strerror or error}") from error
    sizing = Sizing()
    if profile["prompt"] == "text":
        sizing = size_prompts(targets[0], model, profile["api"] == "chat")
    return Job(addresses, model, profile, sizing, should_stop, deadline, request_timeout, keeps_what_was_measured)


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
