"""Outcomes of the loop as a TrialMeasurement (core/sweep/measurement.ts)."""

from typing import Any, Dict, List, Optional, Tuple

from .histogram import gap_histogram, median_ms
from .outcomes import Outcomes

# A client may itself have set the result when it was busy for more of the time than this, or when its p99 lag was
# over the floor and over this part of the median gap. Where the kernel stamped the events, lag blurs nothing until
# events begin to share reads; where it did not, all of the lag is in the stamps.
_BOUND_BUSY_FRACTION = 0.85
_BOUND_LAG_FLOOR_MS = 2.0
_BOUND_LAG_FRACTION_STAMPED = 0.5
_BOUND_LAG_FRACTION_UNSTAMPED = 0.1
_STAMPED_READS = 0.99

_EXAMPLE_CHARACTERS = 500


def measurement_of(outcomes: Outcomes, profile: Dict[str, Any], api_key: Optional[str]) -> Dict[str, Any]:
    """Times relative to the first sending, milliseconds to the microsecond."""
    begun = min(outcomes.sent)
    ended = begun
    columns: Dict[str, List[Any]] = {
        name: [] for name in ("sentMs", "ttftMs", "e2eMs", "inputTokens", "outputTokens", "chunks", "failure")
    }
    examples: Dict[str, str] = {}
    for index, sent in enumerate(outcomes.sent):
        first, last = outcomes.first[index], outcomes.last[index]
        answer = outcomes.answers[index]
        input_tokens, output_tokens = answer.usage()
        failure = failure_of(outcomes, index)
        columns["sentMs"].append(_ms(sent - begun))
        columns["ttftMs"].append(None if first is None else _ms(first - sent))
        columns["e2eMs"].append(None if last is None else _ms(last - sent))
        columns["inputTokens"].append(input_tokens)
        columns["outputTokens"].append(output_tokens)
        columns["chunks"].append(outcomes.chunks[index])
        columns["failure"].append(failure[0] if failure else None)
        if failure and failure[0] not in examples:
            examples[failure[0]] = without_secret(failure[1], api_key)[:_EXAMPLE_CHARACTERS]
        ended = max(ended, sent if last is None else last)
    gaps = gap_histogram(outcomes.gaps)
    return {
        "startedWallMs": _ms(begun + outcomes.wall_offset),
        "durationMs": _ms(ended - begun),
        "concurrency": profile["concurrency"],
        "requests": columns,
        "gaps": gaps,
        "failureExamples": [{"kind": kind, "message": message} for kind, message in examples.items()],
        "client": _client(outcomes, median_ms(gaps)),
        "warmupRequests": profile["warmupRequests"],
    }


def failure_of(outcomes: Outcomes, index: int) -> Optional[Tuple[str, str]]:
    """Kind and message: what befell the connection, else what the answer itself says."""
    return outcomes.failure[index] or outcomes.answers[index].failure(outcomes.chunks[index])


def without_secret(text: str, secret: Optional[str]) -> str:
    return text.replace(secret, "[API key]") if secret else text


def _client(outcomes: Outcomes, median_gap_ms: Optional[float]) -> Dict[str, Any]:
    lags = sorted(outcomes.lags)
    lag_p99_ms = lags[int(0.99 * (len(lags) - 1))] * 1000.0 if lags else 0.0
    busy = 1.0 - outcomes.slept / outcomes.wall if outcomes.wall > 0 else 0.0
    stamped = outcomes.unstamped <= (1.0 - _STAMPED_READS) * len(lags)
    fraction = _BOUND_LAG_FRACTION_STAMPED if stamped else _BOUND_LAG_FRACTION_UNSTAMPED
    limit_ms = max(_BOUND_LAG_FLOOR_MS, fraction * (median_gap_ms or 0.0))
    return {
        "loopLagP99Ms": round(lag_p99_ms, 3),
        "cpuSeconds": round(outcomes.cpu, 3),
        "wallSeconds": round(outcomes.wall, 3),
        "events": sum(outcomes.chunks),
        "bound": busy > _BOUND_BUSY_FRACTION or lag_p99_ms > limit_ms,
    }


def _ms(seconds: float) -> float:
    return round(seconds * 1000.0, 3)
