"""Why an engine is not there: read from all of its log, as the cause stands long before the last line."""

import re
from typing import Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

LINES_BEFORE = 2
LINES_AFTER = 3
LAST_LINES = 10
LONGEST_LINE = 400
#: What is looked at of a line. Progress bars can make one of megabytes.
LONGEST_LOOKED_AT = 4000

#: What a start begins with, before the log says anything else.
FIRST_PHASE = "load"


class Remedy(NamedTuple):
    """A change of one flag that may help. `to`: a number of the group of the cause's pattern that holds the value."""

    flag: str
    #: raise, lower, set, remove
    change: str
    why: str
    to: Optional[int] = None


class Cause(NamedTuple):
    kind: str
    pattern: str
    #: What it means and what to do, to follow "The engine did not start: ".
    advice: str
    remedies: Tuple[Remedy, ...] = ()
    #: Where the text itself says it; else by the lines before it.
    phase: Optional[str] = None


class Diagnosis(NamedTuple):
    kind: str
    message: str
    excerpt: List[str]
    #: load, profile, capture, warm-up, serving: how far the engine was. None where there was no engine.
    engine_phase: Optional[str] = None
    remedies: Tuple[dict, ...] = ()
    #: Of several copies the one that failed.
    instance: Optional[int] = None

    def fields(self) -> dict:
        """Of a `cell-failed` record. What is not known is left out."""
        found: Dict[str, object] = {"kind": self.kind, "message": self.message, "logExcerpt": self.excerpt}
        if self.engine_phase is not None:
            found["enginePhase"] = self.engine_phase
        if self.remedies:
            found["remedies"] = list(self.remedies)
        if self.instance is not None:
            found["instance"] = self.instance
        return found


def diagnosis_of(record: dict) -> Diagnosis:
    """What `fields` wrote."""
    return Diagnosis(
        record["kind"],
        record["message"],
        record["logExcerpt"],
        record.get("enginePhase"),
        tuple(record.get("remedies", ())),
        record.get("instance"),
    )


def diagnose(
    lines: Iterable[str],
    causes: Sequence[Cause],
    ended: Optional[str],
    phases: Sequence[Tuple[str, str]] = (),
    host_out_of_memory: bool = False,
) -> Diagnosis:
    """`ended`: how the process ended (`with exit code 1`, `by SIGKILL`); None where it still ran.

    `host_out_of_memory`: the kernel counted a kill for want of memory in our control group since the engine was started.
    """
    kept = [line.rstrip("\r\n")[:LONGEST_LOOKED_AT] for line in lines]
    for cause in causes:
        at = first_match(kept, cause.pattern)
        if at is not None:
            said = kept[at].strip()[:LONGEST_LINE]
            phase = cause.phase or phase_at(kept[: at + 1], phases)
            remedies = remedies_of(cause, kept[at])
            return Diagnosis(cause.kind, f"{said} — {cause.advice}", excerpt(kept, at), phase, remedies)
    phase = phase_at(kept, phases)
    if host_out_of_memory:
        message = "The kernel killed a process of the engine for want of host memory (counted in this control group). Give the host or the job more memory, or load with less (fewer workers, no swap space, no CPU offload)."
        return Diagnosis("host-out-of-memory", message, excerpt(kept, None), phase)
    if ended == "by SIGKILL":
        message = "The engine was killed. If nobody did that, it was the kernel for want of host memory: `dmesg` says so, and only an administrator can read it."
        return Diagnosis("killed", message, excerpt(kept, None), phase)
    if ended:
        return Diagnosis("crashed", f"The engine ended {ended}. See its log.", excerpt(kept, None), phase)
    message = "The engine did not get ready in time. See its log; a first start compiles and may download."
    return Diagnosis("timeout", message, excerpt(kept, None), phase)


def remedies_of(cause: Cause, line: str) -> Tuple[dict, ...]:
    """As in a `cell-failed` record."""
    match = re.search(cause.pattern, line)
    found = []
    for remedy in cause.remedies:
        value = match.group(remedy.to) if match and remedy.to is not None else None
        if remedy.change == "set" and value is None:
            continue
        told = {"flag": remedy.flag, "change": remedy.change, "why": remedy.why}
        found.append(told if value is None else {**told, "to": int(value)})
    return tuple(found)


def phase_at(lines: Sequence[str], phases: Sequence[Tuple[str, str]]) -> str:
    """The last phase that these lines began."""
    reached = FIRST_PHASE
    for phase, pattern in phases:
        if first_match(lines, pattern) is not None:
            reached = phase
    return reached


def first_match(lines: Sequence[str], pattern: str) -> Optional[int]:
    matches = re.compile(pattern).search
    return next((index for index, line in enumerate(lines) if matches(line)), None)


def excerpt(lines: Sequence[str], at: Optional[int]) -> List[str]:
    """The telling lines with a few around them, then the last of the log."""
    lines = [line[:LONGEST_LINE] for line in lines]
    tail = max(0, len(lines) - LAST_LINES)
    if at is None:
        return list(lines[tail:])
    around = list(lines[max(0, at - LINES_BEFORE) : at + LINES_AFTER + 1])
    rest = max(tail, at + LINES_AFTER + 1)
    return around + (["…"] if rest > at + LINES_AFTER + 1 and rest < len(lines) else []) + list(lines[rest:])
