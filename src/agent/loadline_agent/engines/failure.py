"""Why an engine is not there: read from all of its log, as the cause stands long before the last line."""

import re
from typing import Iterable, List, NamedTuple, Optional, Sequence

LINES_BEFORE = 2
LINES_AFTER = 3
LAST_LINES = 10
LONGEST_LINE = 400


class Cause(NamedTuple):
    kind: str
    pattern: str
    #: What it means and what to do, to follow "The engine did not start: ".
    advice: str


class Diagnosis(NamedTuple):
    kind: str
    message: str
    excerpt: List[str]


def diagnose(lines: Iterable[str], causes: Sequence[Cause], ended: Optional[str]) -> Diagnosis:
    """`ended`: how the process ended (`with exit code 1`, `by SIGKILL`); None where it still ran."""
    kept = [line.rstrip("\r\n")[:LONGEST_LINE] for line in lines]
    for cause in causes:
        at = first_match(kept, cause.pattern)
        if at is not None:
            said = kept[at].strip()
            return Diagnosis(cause.kind, f"{said} — {cause.advice}", excerpt(kept, at))
    if ended == "by SIGKILL":
        message = "The engine was killed. If nobody did that, it was the kernel for want of host memory (see `dmesg`)."
        return Diagnosis("crashed", message, excerpt(kept, None))
    how = f"ended {ended}" if ended else "did not get ready"
    return Diagnosis("crashed" if ended else "timeout", f"The engine {how}. See its log.", excerpt(kept, None))


def first_match(lines: Sequence[str], pattern: str) -> Optional[int]:
    matches = re.compile(pattern).search
    return next((index for index, line in enumerate(lines) if matches(line)), None)


def excerpt(lines: Sequence[str], at: Optional[int]) -> List[str]:
    """The telling lines with a few around them, then the last of the log."""
    tail = max(0, len(lines) - LAST_LINES)
    if at is None:
        return list(lines[tail:])
    around = list(lines[max(0, at - LINES_BEFORE) : at + LINES_AFTER + 1])
    rest = max(tail, at + LINES_AFTER + 1)
    return around + (["…"] if rest > at + LINES_AFTER + 1 and rest < len(lines) else []) + list(lines[rest:])
