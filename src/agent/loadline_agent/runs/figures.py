"""Figures of one trial, for decisions during a run. The same definitions as src/core/sweep/statistics.ts, from the trial alone."""

import math
from typing import List, NamedTuple, Optional, Tuple

#: Requests that certify a p95: MLPerf Inference's early-stopping floor at 99 % confidence, as in statistics.ts.
CERTIFIES_P95 = 130

#: A closed loop with fewer rounds than this is all start and end (window.ts).
LEAST_ROUNDS = 3

#: A service level speaks of answered requests; beyond this share of failures it is missed (checks.ts).
MOST_FAILED_SHARE = 0.01


class TrialFigures(NamedTuple):
    completed: int
    failed_share: float
    #: From when the request was due, where that is known. None: too few requests to certify it.
    ttft_p95_ms: Optional[float]
    tpot_p95_ms: Optional[float]
    per_query_tokens_per_second: Optional[float]
    system_tokens_per_second: Optional[float]
    client_bound: bool


class Answered(NamedTuple):
    sent_ms: float
    #: From when it was due, where that is known.
    ttft_ms: Optional[float]
    first_ms: Optional[float]
    end_ms: float
    output: Optional[int]


def trial_figures(measurement: dict, profile: str = "closed-loop") -> TrialFigures:
    columns = measurement["requests"]
    answered = answered_requests(columns)
    window = measured_window(measurement, profile, answered)
    counting = answered if window is None else [one for one in answered if one.sent_ms >= window[0]]
    ttft = [one.ttft_ms for one in counting if one.ttft_ms is not None]
    tpot = [
        (one.end_ms - one.first_ms) / (one.output - 1)
        for one in counting
        if one.first_ms is not None and one.output is not None and one.output >= 2
    ]
    rates = [
        1000 * one.output / (one.end_ms - one.sent_ms)
        for one in counting
        if one.output is not None and one.end_ms > one.sent_ms
    ]
    failed = sum(1 for failure in columns["failure"] if failure is not None)
    return TrialFigures(
        len(answered),
        failed / max(1, failed + len(answered)),
        certified_p95(ttft),
        certified_p95(tpot),
        sum(rates) / len(rates) if rates else None,
        tokens_per_second(answered, window or (0.0, measurement["durationMs"])),
        measurement["client"]["bound"],
    )


def answered_requests(columns: dict) -> List[Answered]:
    due = columns.get("scheduledMs")
    found = []
    for at, failure in enumerate(columns["failure"]):
        sent, end, first = columns["sentMs"][at], columns["e2eMs"][at], columns["ttftMs"][at]
        if failure is not None or end is None:
            continue
        waited = max(0.0, sent - due[at]) if due else 0.0
        found.append(
            Answered(
                sent,
                None if first is None else first + waited,
                None if first is None else sent + first,
                sent + end,
                columns["outputTokens"][at],
            )
        )
    return found


def measured_window(measurement: dict, profile: str, answered: List[Answered]) -> Optional[Tuple[float, float]]:
    """After the start and before requests run out (window.ts, without its search for a steady part); None where that is all."""
    columns = measurement["requests"]
    sent = sorted(columns["sentMs"])
    if profile == "offline" or not answered:
        return None
    mean_e2e = sum(one.end_ms - one.sent_ms for one in answered) / len(answered)
    concurrency = measurement.get("concurrency") or 1
    start: Optional[float] = sent[0]
    if profile == "open-loop":
        start = sent[0] + mean_e2e
    elif profile == "closed-loop" and concurrency > 1:
        # The first that took the place of another.
        start = sent[concurrency] if concurrency < len(sent) else None
    last = max(columns["scheduledMs"]) if columns.get("scheduledMs") else sent[-1]
    if start is None or last - start < LEAST_ROUNDS * mean_e2e:
        return None
    return start, last


def tokens_per_second(answered: List[Answered], window: Tuple[float, float]) -> Optional[float]:
    """Tokens by when they came: evenly from a request's first to its last. None where a count is missing."""
    begin, end = window
    tokens = 0.0
    for one in answered:
        if one.output is None:
            return None
        first = one.end_ms if one.first_ms is None else one.first_ms
        if one.end_ms > first:
            inside = max(0.0, min(one.end_ms, end) - max(first, begin)) / (one.end_ms - first)
        else:
            inside = 1.0 if begin <= first <= end else 0.0
        tokens += one.output * inside
    return 1000 * tokens / (end - begin) if answered and end > begin else None


def certified_p95(sample: List[float]) -> Optional[float]:
    """Nearest rank: a value that was measured. None where the sample is too small."""
    if len(sample) < CERTIFIES_P95:
        return None
    return sorted(sample)[max(1, math.ceil(0.95 * len(sample) - 1e-9)) - 1]


class Judgement(NamedTuple):
    #: None: it cannot be judged.
    meets: Optional[bool]
    #: How far the tightest figure is within its limit (negative: beyond it), as a share of the limit.
    margin: Optional[float]
    why: str


#: Limit -> (figure, +1 where it is a most and -1 where it is a least, words).
LIMITS = {
    "ttftP95Ms": ("ttft_p95_ms", 1, "TTFT p95 {:.4g} ms of {:.4g}"),
    "tpotP95Ms": ("tpot_p95_ms", 1, "TPOT p95 {:.4g} ms of {:.4g}"),
    "perQueryTokensPerSecond": ("per_query_tokens_per_second", -1, "{:.4g} tokens/s per query of {:.4g}"),
}


def judge_trial(figures: TrialFigures, limits: dict) -> Judgement:
    """Against a ServiceLevel (src/core/sweep/run.ts)."""
    if figures.client_bound:
        return Judgement(None, None, "the client may have set the result, not the engine (client-bound)")
    if figures.failed_share > MOST_FAILED_SHARE:
        return Judgement(False, None, f"{100 * figures.failed_share:.3g} % of the requests failed")
    margins = []
    for name, limit in limits.items():
        if name not in LIMITS:
            return Judgement(None, None, f"this agent does not know the limit {name}")
        field, sign, words = LIMITS[name]
        value = getattr(figures, field)
        if value is None:
            why = f"{figures.completed} completed requests certify no p95 ({CERTIFIES_P95} are needed)"
            return Judgement(None, None, why)
        margins.append((sign * (limit - value) / limit, words.format(value, limit)))
    if not margins:
        return Judgement(None, None, "there is no limit to judge by")
    margin, why = min(margins)
    return Judgement(margin >= 0, margin, why)
