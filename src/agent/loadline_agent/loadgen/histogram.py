"""Gaps between stream events, packed into the logarithmic buckets of the journal."""

import math
from typing import Any, Dict, Iterable, Optional

MIN_MS = 0.01
RATIO = 1.02


def gap_counts(gaps_seconds: Iterable[float]) -> Dict[int, int]:
    """By bucket. A gap is known to within `RATIO - 1` of itself; those under `MIN_MS` are in bucket 0."""
    log, scale, least = math.log, 1.0 / math.log(RATIO), MIN_MS / 1000.0
    counts: Dict[int, int] = {}
    for gap in gaps_seconds:
        bucket = int(log(gap / least) * scale) if gap > least else 0
        counts[bucket] = counts.get(bucket, 0) + 1
    return counts


def gap_histogram(counts: Dict[int, int]) -> Dict[str, Any]:
    """A GapHistogram."""
    return {"minMs": MIN_MS, "ratio": RATIO, "counts": [[bucket, counts[bucket]] for bucket in sorted(counts)]}


def median_ms(counts: Dict[int, int]) -> Optional[float]:
    """The geometric middle of the bucket that holds the median; None where there is no gap."""
    total = sum(counts.values())
    seen = 0
    for bucket in sorted(counts):
        seen += counts[bucket]
        if 2 * seen >= total:
            return MIN_MS * RATIO ** (bucket + 0.5)
    return None
