"""Figures of one trial, for decisions during a run. The same definitions as src/core/sweep/statistics.ts, from the trial alone."""

import math
from typing import List, NamedTuple, Optional

#: Requests that certify a p95: MLPerf Inference's early-stopping floor at 99 % confidence, as in statistics.ts.
CERTIFIES_P95 = 130

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


def trial_figures(measurement: dict) -> TrialFigures:
    columns = measurement["requests"]
    due = columns.get("scheduledMs")
    ttft: List[float] = []
    tpot: List[float] = []
    rates: List[float] = []
    tokens: Optional[int] = 0
    completed = 0
    for at, failure in enumerate(columns["failure"]):
        end, first, output = columns["e2eMs"][at], columns["ttftMs"][at], columns["outputTokens"][at]
        if failure is not None or end is None:
            continue
        completed += 1
        tokens = None if tokens is None or output is None else tokens + output
        if first is not None:
            ttft.append(first + (columns["sentMs"][at] - due[at] if due else 0))
            if output is not None and output >= 2:
                tpot.append((end - first) / (output - 1))
        if output is not None and end > 0:
            rates.append(1000 * output / end)
    seconds = measurement["durationMs"] / 1000
    failed = sum(1 for failure in columns["failure"] if failure is not None)
    return TrialFigures(
        completed,
        failed / max(1, failed + completed),
        certified_p95(ttft),
        certified_p95(tpot),
        sum(rates) / len(rates) if rates else None,
        tokens / seconds if tokens is not None and completed and seconds > 0 else None,
        measurement["client"]["bound"],
    )


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
