"""``run_load``: warm-up, measured load, and the report of both as a TrialMeasurement (core/sweep/measurement.ts)."""

import gc
import socket
import time

from .histogram import gap_histogram, median_ms
from .loop import ClosedLoop, Stopped
from .requests import BadProfile, RequestFactory

# A client this busy, or whose p99 lag is over both of these, may itself have set the result.
_BOUND_BUSY_FRACTION = 0.85
_BOUND_LAG_MS = 2.0
_BOUND_LAG_FRACTION_OF_MEDIAN_GAP = 0.1

REQUEST_TIMEOUT_SECONDS = 600.0


class LoadError(Exception):
    """No measurement came of it.

    ``kind``: `bad-profile`, `unreachable` (the host's name), `cancelled`, `timeout` (the deadline), `load` (not one
    warm-up request succeeded). ``phase``: `warm-up` or `load`.
    """

    def __init__(self, kind, phase, message):
        Exception.__init__(self, message)
        self.kind = kind
        self.phase = phase
        self.message = message


def run_load(
    host,
    port,
    api_key,
    model,
    profile,
    on_progress,
    should_stop,
    deadline_monotonic,
    request_timeout_seconds=REQUEST_TIMEOUT_SECONDS,
):
    """Drives ``profile`` (LoadProfile as a dict) against an OpenAI-compatible endpoint over plain HTTP/1.1.

    ``on_progress(phase, completed, total)`` is told about once a second and ``should_stop()`` asked ten times a
    second, both from within the loop: they are to be quick. All N streams start together; nothing staggers them,
    as a closed loop finds its own waves. Failed requests are part of the measurement; LoadError is for none at all.
    """
    try:
        _check(profile)
        factory = RequestFactory(profile, host, port, api_key, model)
    except BadProfile as error:
        raise LoadError("bad-profile", "warm-up", str(error))
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise LoadError("unreachable", "warm-up", "%s: %s" % (host, error.strerror or error))
    warmup, requests = profile["warmupRequests"], profile["requests"]
    loop = ClosedLoop(
        (found[0], found[4]),
        profile["concurrency"],
        profile["api"],
        request_timeout_seconds,
        deadline_monotonic,
        should_stop,
    )
    collected_garbage = gc.isenabled()
    gc.disable()
    try:
        loop.connect()
        if warmup:
            outcomes = _phase(loop, "warm-up", factory.request, warmup, on_progress)
            _require_one_success(outcomes, api_key)
        wall_offset = time.time() - time.monotonic()
        outcomes = _phase(loop, "load", lambda index: factory.request(warmup + index), requests, on_progress)
    finally:
        if collected_garbage:
            gc.enable()
        loop.close()
    return _measurement(outcomes, profile, wall_offset, api_key)


def _check(profile):
    if profile.get("profile") != "closed-loop":
        raise BadProfile("profile must be closed-loop, not %r" % (profile.get("profile"),))
    for name, least in (("concurrency", 1), ("requests", 1), ("warmupRequests", 0)):
        value = profile.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise BadProfile("%s must be a whole number of at least %d, not %r" % (name, least, value))
    for name in ("input", "output"):
        if not isinstance(profile.get(name), dict):
            raise BadProfile("%s must be a length distribution" % name)
    if not isinstance(profile.get("seed"), int):
        raise BadProfile("seed must be a whole number, not %r" % (profile.get("seed"),))


def _phase(loop, phase, make_request, count, on_progress):
    try:
        return loop.run(make_request, count, lambda completed, total: on_progress(phase, completed, total))
    except Stopped as stopped:
        state = "%d of %d requests done" % (stopped.completed, stopped.total)
        said = "cancelled" if stopped.kind == "cancelled" else "not finished by the deadline"
        raise LoadError(stopped.kind, phase, "%s: %s" % (said, state))


def _require_one_success(outcomes, api_key):
    failures = [_failure(outcomes, index) for index in range(len(outcomes.sent))]
    if all(failures):
        kind, message = failures[0]
        raise LoadError(
            "load",
            "warm-up",
            "none of %d warm-up requests succeeded; the first: %s: %s"
            % (len(failures), kind, without_secret(message, api_key)),
        )


def _failure(outcomes, index):
    return outcomes.failure[index] or outcomes.answers[index].failure(outcomes.chunks[index])


def _measurement(outcomes, profile, wall_offset, api_key):
    begun = min(outcomes.sent)
    columns = {
        name: []
        for name in ("sentMs", "ttftMs", "e2eMs", "inputTokens", "outputTokens", "chunks", "failure")
    }
    examples = {}
    ended = begun
    for index, sent in enumerate(outcomes.sent):
        first, last = outcomes.first[index], outcomes.last[index]
        usage = outcomes.answers[index].usage()
        failure = _failure(outcomes, index)
        columns["sentMs"].append(_ms(sent - begun))
        columns["ttftMs"].append(None if first is None else _ms(first - sent))
        columns["e2eMs"].append(None if last is None else _ms(last - sent))
        columns["inputTokens"].append(usage.input_tokens)
        columns["outputTokens"].append(usage.output_tokens)
        columns["chunks"].append(outcomes.chunks[index])
        columns["failure"].append(failure[0] if failure else None)
        if failure and failure[0] not in examples:
            examples[failure[0]] = without_secret(failure[1], api_key)[:500]
        ended = max(ended, last or sent)
    gaps = gap_histogram(outcomes.gaps)
    return {
        "startedWallMs": round((begun + wall_offset) * 1000.0, 3),
        "durationMs": _ms(ended - begun),
        "concurrency": profile["concurrency"],
        "requests": columns,
        "gaps": gaps,
        "failureExamples": [{"kind": kind, "message": message} for kind, message in examples.items()],
        "client": _client(outcomes, median_ms(gaps)),
        "warmupRequests": profile["warmupRequests"],
    }


def _client(outcomes, median_gap_ms):
    lags = sorted(outcomes.lags)
    lag_p99_ms = lags[int(0.99 * (len(lags) - 1))] * 1000.0 if lags else 0.0
    busy = 1.0 - outcomes.slept / outcomes.wall if outcomes.wall > 0 else 0.0
    limit_ms = max(_BOUND_LAG_MS, _BOUND_LAG_FRACTION_OF_MEDIAN_GAP * (median_gap_ms or 0.0))
    return {
        "loopLagP99Ms": round(lag_p99_ms, 3),
        "cpuSeconds": round(outcomes.cpu, 3),
        "wallSeconds": round(outcomes.wall, 3),
        "events": sum(outcomes.chunks),
        "bound": busy > _BOUND_BUSY_FRACTION or lag_p99_ms > limit_ms,
    }


def _ms(seconds):
    return round(seconds * 1000.0, 3)


def without_secret(text, secret):
    return text.replace(secret, "[API key]") if secret else text
