"""The parts that processes measured, as one TrialMeasurement (core/sweep/measurement.ts)."""

from typing import Any, Dict, List, Tuple

from .histogram import gap_histogram
from .part import Columns

_BUCKET_MS = 100.0
# A trial of any length takes no more than so many.
_MOST_BUCKETS = 3000


def measurement_of(parts: List[Dict[str, Any]], profile: Dict[str, Any]) -> Dict[str, Any]:
    """Times relative to the first sending, milliseconds to the microsecond."""
    columns = _merged([part["columns"] for part in parts])
    sent = columns["sent"]
    begun = sent[0] if sent else min(sample[0] for part in parts for sample in part["samples"] or [(0.0, 0, 0)])
    ended = max([begun, *(at if last is None else last for at, last in zip(sent, columns["last"]))])
    gaps: Dict[int, int] = {}
    examples: Dict[str, str] = {}
    for part in parts:
        for bucket, count in part["gaps"].items():
            gaps[int(bucket)] = gaps.get(int(bucket), 0) + count
        for kind, message in part["examples"].items():
            examples.setdefault(kind, message)
    measured = {
        "startedWallMs": _ms(begun + parts[0]["wallOffset"]),
        "durationMs": _ms(ended - begun),
        "concurrency": profile.get("concurrency"),
        "requests": _columns(columns, begun),
        "gaps": gap_histogram(gaps),
        "failureExamples": [{"kind": kind, "message": message} for kind, message in examples.items()],
        "client": _client([part["client"] for part in parts]),
        "warmupRequests": profile["warmupRequests"],
    }
    measured.update(_over_time(parts, columns, begun, ended))
    unsent = sum(part["unsent"] for part in parts)
    if unsent:
        measured["unsentRequests"] = unsent
    return measured


def _merged(all_columns: List[Columns]) -> Columns:
    """In order of sending."""
    merged = {name: [value for columns in all_columns for value in columns[name]] for name in all_columns[0]}
    order = sorted(range(len(merged["sent"])), key=merged["sent"].__getitem__)
    return {name: [column[at] for at in order] for name, column in merged.items()}


def _columns(columns: Columns, begun: float) -> Dict[str, List[Any]]:
    sent = columns["sent"]
    named: Dict[str, List[Any]] = {
        "sentMs": [_ms(at - begun) for at in sent],
        "ttftMs": [None if first is None else _ms(first - at) for first, at in zip(columns["first"], sent)],
        "e2eMs": [None if last is None else _ms(last - at) for last, at in zip(columns["last"], sent)],
        "inputTokens": columns["input"],
        "outputTokens": columns["output"],
        "chunks": columns["chunks"],
        "failure": columns["failure"],
    }
    if columns["scheduled"] and None not in columns["scheduled"]:
        named["scheduledMs"] = [_ms(due - begun) for due in columns["scheduled"]]
    for name in ("engine", "turn"):
        if any(columns[name]):
            named[name] = columns[name]
    if any(cached is not None for cached in columns["cached"]):
        named["cachedTokens"] = columns["cached"]
    return named


def _client(clients: List[Dict[str, Any]]) -> Dict[str, Any]:
    """The worst lag, the sum of the work. One process that was the limit is enough."""
    because = []
    for number, client in enumerate(clients):
        prefix = f"process {number + 1} of {len(clients)}: " if len(clients) > 1 else ""
        because += [prefix + reason for reason in client["because"]]
    reads = sum(client["reads"] for client in clients)
    stamped = reads - sum(client["unstamped"] for client in clients)
    return {
        "loopLagP99Ms": round(max(client["lagP99Ms"] for client in clients), 3),
        "cpuSeconds": round(sum(client["cpu"] for client in clients), 3),
        "wallSeconds": round(max(client["wall"] for client in clients), 3),
        "events": sum(client["events"] for client in clients),
        "bound": bool(because),
        "boundBecause": because,
        "processes": len(clients),
        "stampedReads": round(max(0, stamped) / reads, 4) if reads else 0.0,
    }


def _over_time(parts: List[Dict[str, Any]], columns: Columns, begun: float, ended: float) -> Dict[str, Any]:
    """Tokens and requests in flight by bucket, from the samples that each loop took ten times a second."""
    seconds = ended - begun
    if seconds <= 0:
        return {}
    bucket = _BUCKET_MS / 1000.0
    while seconds / bucket > _MOST_BUCKETS:
        bucket *= 2
    edges = [begun + bucket * number for number in range(int(seconds / bucket) + 2)]
    events = [0.0] * (len(edges) - 1)
    in_flight = [0.0] * (len(edges) - 1)
    for part in parts:
        # By the last token all of them were there: a look that the loop took later would spread them on.
        last = max([begun, *(at for at in part["columns"]["last"] if at is not None)])
        between = [tuple(sample) for sample in part["samples"] if begun < sample[0] < last]
        samples = [(begun, 0, 0), *between, (last, part["events"], 0)]
        cumulated = [_at(samples, edge, 1) for edge in edges]
        for number in range(len(events)):
            events[number] += cumulated[number + 1] - cumulated[number]
            in_flight[number] += _at(samples, edges[number] + bucket / 2, 2)
    counted = [(output, chunks) for output, chunks in zip(columns["output"], columns["chunks"]) if output is not None]
    chunks = sum(chunks for _, chunks in counted)
    factor = sum(output for output, _ in counted) / chunks if chunks else 1.0
    bucket_ms = bucket * 1000.0
    return {
        "tokensInWindow": {"bucketMs": bucket_ms, "tokens": [round(count * factor, 2) for count in events]},
        "inFlight": {"bucketMs": bucket_ms, "values": [round(value, 2) for value in in_flight]},
    }


def _at(samples: List[Tuple[float, float, float]], time: float, column: int) -> float:
    """Between two samples, on the line that joins them."""
    low, high = 0, len(samples) - 1
    while high - low > 1:
        middle = (low + high) // 2
        if samples[middle][0] <= time:
            low = middle
        else:
            high = middle
    (before, *_), (after, *_) = samples[low], samples[high]
    share = 0.0 if after <= before else min(1.0, max(0.0, (time - before) / (after - before)))
    return samples[low][column] + share * (samples[high][column] - samples[low][column])


def _ms(seconds: float) -> float:
    return round(seconds * 1000.0, 3)

