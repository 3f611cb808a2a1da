"""`run_load`: warm-up, then the measured load, against OpenAI-compatible endpoints over HTTP/1.1."""

import select
from typing import Any, Callable, Dict, Sequence

from .connections import address_of
from .drive import REQUEST_TIMEOUT_SECONDS, Job, LoadError, Progress, drive
from .parallel import drive_in_processes, process_count
from .part import part_of
from .profile import BadProfile, check_profile
from .prompts import Sizing
from .report import measurement_of
from .sizing import size_prompts
from .targets import Target


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
