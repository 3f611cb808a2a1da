"""`run_load`: warm-up, then the measured load, against an OpenAI-compatible endpoint over plain HTTP/1.1."""

import gc
import resource
import socket
from typing import Any, Callable, Dict, Optional

from .loop import ClosedLoop, Stopped
from .outcomes import Outcomes
from .report import failure_of, measurement_of, without_secret
from .requests import BadProfile, RequestFactory

#: From the sending of a request to the end of its answer.
REQUEST_TIMEOUT_SECONDS = 600.0

# Descriptors that the process needs beside one a stream.
_OTHER_DESCRIPTORS = 64


class LoadError(Exception):
    """No measurement came of it.

    `kind`: `bad-profile`, `unreachable` (the host has no address), `cancelled`, `timeout` (the deadline passed), `load`
    (not one warm-up request succeeded). `phase`: `warm-up` or `load`.
    """

    def __init__(self, kind: str, phase: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.phase = phase
        self.message = message


def run_load(
    host: str,
    port: int,
    api_key: Optional[str],
    model: str,
    profile: Dict[str, Any],
    on_progress: Callable[[str, int, int], None],
    should_stop: Callable[[], bool],
    deadline_monotonic: float,
    request_timeout_seconds: float = REQUEST_TIMEOUT_SECONDS,
) -> Dict[str, Any]:
    """Drives `profile` (a LoadProfile) and returns its TrialMeasurement. Raises LoadError.

    `on_progress(phase, completed, total)` is told about once a second and `should_stop()` asked ten times a second, both
    from within the loop: they are to be quick. All streams start at once; nothing staggers them, as a closed loop falls
    into its own waves anyway. Requests that fail are part of the measurement.
    """
    outcomes = drive(
        host, port, api_key, model, profile, on_progress, should_stop, deadline_monotonic, request_timeout_seconds
    )
    return measurement_of(outcomes, profile, api_key)


def drive(
    host: str,
    port: int,
    api_key: Optional[str],
    model: str,
    profile: Dict[str, Any],
    on_progress: Callable[[str, int, int], None],
    should_stop: Callable[[], bool],
    deadline_monotonic: float,
    request_timeout_seconds: float,
) -> Outcomes:
    """What run_load measures, before it is made into a document."""
    try:
        _check(profile)
        factory = RequestFactory(profile, host, port, api_key, model)
        _allow_descriptors(profile["concurrency"] + _OTHER_DESCRIPTORS)
    except BadProfile as error:
        raise LoadError("bad-profile", "warm-up", str(error)) from error
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise LoadError("unreachable", "warm-up", f"{host}: {error.strerror or error}") from error
    warmup, requests = profile["warmupRequests"], profile["requests"]
    loop = ClosedLoop(
        family,
        address,
        profile["concurrency"],
        profile["api"],
        request_timeout_seconds,
        deadline_monotonic,
        should_stop,
    )
    collects_garbage = gc.isenabled()
    gc.disable()
    try:
        loop.connect()
        if warmup:
            warmed = _phase(loop, "warm-up", lambda index: factory.request(requests + index), warmup, on_progress)
            _require_one_success(warmed, api_key)
        return _phase(loop, "load", factory.request, requests, on_progress)
    finally:
        if collects_garbage:
            gc.enable()
        loop.close()


def _check(profile: Dict[str, Any]) -> None:
    if profile.get("profile") != "closed-loop":
        raise BadProfile(f"profile must be closed-loop, not {profile.get('profile')!r}")
    for name, least in (("concurrency", 1), ("requests", 1), ("warmupRequests", 0)):
        value = profile.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise BadProfile(f"{name} must be a whole number of at least {least}, not {value!r}")
    for name in ("input", "output"):
        if not isinstance(profile.get(name), dict):
            raise BadProfile(f"{name} must be a length distribution, not {profile.get(name)!r}")
    if not isinstance(profile.get("seed"), int):
        raise BadProfile(f"seed must be a whole number, not {profile.get('seed')!r}")


def _allow_descriptors(needed: int) -> None:
    """Raises this process's own limit as far as it may. The usual one of 1,024 is for `select`, which is not used."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise BadProfile(f"concurrency needs {needed} open files, this account may have {hard} (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def _phase(
    loop: ClosedLoop,
    phase: str,
    make_request: Callable[[int], bytes],
    count: int,
    on_progress: Callable[[str, int, int], None],
) -> Outcomes:
    try:
        return loop.run(make_request, count, lambda completed, total: on_progress(phase, completed, total))
    except Stopped as stopped:
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
