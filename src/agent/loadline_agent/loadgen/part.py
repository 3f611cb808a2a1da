"""What one process measured, small enough to be handed to the one that puts the parts together."""

from typing import Any, Dict, Iterator, List, Optional, Tuple

from .histogram import gap_counts, median_ms
from .outcomes import Outcomes

_EXAMPLE_CHARACTERS = 500

# Reasons why the client, not the server, may have set the result. Where the kernel stamps the events, lag blurs nothing
# until events begin to share reads; where it does not, all of the lag is in the stamps.
_BUSY_FRACTION = 0.85
_LAG_FLOOR_MS = 2.0
_LAG_FRACTION_STAMPED = 0.5
_LAG_FRACTION_UNSTAMPED = 0.1
# Where no answer has a gap, lag counts against the time to the first token: it holds up the next request.
_LAG_FRACTION_OF_TTFT = 0.1
_STAMPED_READS = 0.99
#: First-token stamps may be off by this much, median and p99; more is said.
FIRST_DOUBT_P50_MS = 2.0
FIRST_DOUBT_P99_MS = 10.0
_LATE_SENDING_P99_MS = 10.0

Columns = Dict[str, List[Any]]


def part_of(outcomes: Outcomes, streamed: bool, api_key: Optional[str]) -> Dict[str, Any]:
    """Plain values, times in monotonic seconds. What was still in flight is left out: it neither ended nor failed."""
    columns: Columns = {
        name: []
        for name in (
            *("serial", "sent", "scheduled", "engine", "turn", "first", "last"),
            *("input", "output", "cached", "chunks", "failure"),
        )
    }
    examples: Dict[str, str] = {}
    for at, answer in enumerate(outcomes.answers):
        if answer is None:
            continue
        usage, failure = answer.usage(), failure_of(outcomes, at)
        first = outcomes.first[at]
        if not streamed and usage.output != 1:
            first = None  # The whole came at once: when its first token was there is not known.
        for name, value in (
            ("serial", outcomes.serial[at]),
            ("sent", outcomes.sent[at]),
            ("scheduled", outcomes.scheduled[at]),
            ("engine", outcomes.target[at]),
            ("turn", outcomes.turn[at]),
            ("first", first),
            ("last", outcomes.last[at]),
            ("input", usage.input),
            ("output", usage.output),
            ("cached", usage.cached),
            ("chunks", outcomes.chunks[at]),
            ("failure", failure[0] if failure else None),
        ):
            columns[name].append(value)
        if failure and failure[0] not in examples:
            examples[failure[0]] = without_secret(failure[1], api_key)[:_EXAMPLE_CHARACTERS]
    counts = gap_counts(outcomes.gaps)
    return {
        "columns": columns,
        "gaps": counts,
        "examples": examples,
        "samples": outcomes.samples,
        #: Also those of requests that were cut off.
        "events": len(outcomes.gaps) + sum(1 for first in outcomes.first if first is not None),
        "unsent": outcomes.unsent,
        "wallOffset": outcomes.wall_offset,
        "client": _client(outcomes, counts),
    }


def failure_of(outcomes: Outcomes, at: int) -> Optional[Tuple[str, str]]:
    """Kind and message: what befell the connection, else what the answer itself says."""
    return outcomes.failure[at] or outcomes.answers[at].failure(outcomes.chunks[at])


def without_secret(text: str, secret: Optional[str]) -> str:
    return text.replace(secret, "[API key]") if secret else text


def _client(outcomes: Outcomes, gaps: Dict[int, int]) -> Dict[str, Any]:
    lags = sorted(outcomes.lags)
    lag_p99_ms = percentile(lags, 0.99) * 1000.0
    return {
        "lagP99Ms": lag_p99_ms,
        "cpu": outcomes.cpu,
        "wall": outcomes.wall,
        "events": sum(outcomes.chunks),
        "reads": len(lags),
        "unstamped": outcomes.unstamped,
        "because": _bound_because(outcomes, lag_p99_ms, len(lags), median_ms(gaps)),
    }


def _bound_because(outcomes: Outcomes, lag_p99_ms: float, reads: int, gap_ms: Optional[float]) -> List[str]:
    because = []
    busy = 1.0 - outcomes.slept / outcomes.wall if outcomes.wall > 0 else 0.0
    if busy > _BUSY_FRACTION:
        because.append(f"its loop was busy {100.0 * busy:.0f} % of the time")
    stamped = outcomes.unstamped <= (1.0 - _STAMPED_READS) * reads
    if gap_ms is None:
        allowed_ms = _LAG_FRACTION_OF_TTFT * _ttft_p50_ms(outcomes)
    else:
        allowed_ms = (_LAG_FRACTION_STAMPED if stamped else _LAG_FRACTION_UNSTAMPED) * gap_ms
    limit_ms = max(_LAG_FLOOR_MS, allowed_ms)
    if lag_p99_ms > limit_ms:
        where = "" if stamped else ", and the kernel did not stamp them"
        because.append(f"it came to events {lag_p99_ms:.1f} ms late (p99; the limit here is {limit_ms:.1f}){where}")
    doubts = sorted(_first_doubts(outcomes, (gap_ms or 0.0) / 1000.0))
    p50_ms, p99_ms = (percentile(doubts, fraction) * 1000.0 for fraction in (0.5, 0.99))
    if p50_ms > FIRST_DOUBT_P50_MS or p99_ms > FIRST_DOUBT_P99_MS:
        because.append(
            f"first tokens may have come up to {p50_ms:.1f} ms (p50) and {p99_ms:.1f} ms (p99) earlier than their stamps"
        )
    late_ms = percentile(sorted(outcomes.begin_delays), 0.99) * 1000.0
    if late_ms > _LATE_SENDING_P99_MS:
        because.append(f"it sent requests {late_ms:.1f} ms later than they were due and had a place (p99)")
    return because


def _first_doubts(outcomes: Outcomes, gap: float) -> Iterator[float]:
    """Seconds by which first tokens may have come before their stamps. What came with one takes a gap each to follow: a
    machine that did not wake the loop in time shows in that alone."""
    for doubt, company, first in zip(outcomes.first_doubt, outcomes.first_company, outcomes.first):
        if first is not None:
            yield max(doubt, company * gap)


def _ttft_p50_ms(outcomes: Outcomes) -> float:
    times = sorted(first - sent for first, sent in zip(outcomes.first, outcomes.sent) if first is not None)
    return percentile(times, 0.5) * 1000.0


def percentile(ascending: List[float], fraction: float) -> float:
    return ascending[int(fraction * (len(ascending) - 1))] if ascending else 0.0
