"""Which request begins when: the load profile as sessions of requests and their begins. No clock, no I/O."""

from array import array
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

from .arrivals import arrival_offsets

# In flight at a time in the warm-up of a profile that states no concurrency.
_WARMUP_USERS = 32


class Pacing(NamedTuple):
    """Requests have serial numbers; a session is a chain of them, each sent only when the one before was answered."""

    #: First request of each session.
    sessions: Sequence[int]
    #: When each session is due, seconds after the begin, ascending; None: as soon as a user is free (closed loop).
    offsets: Optional[Sequence[float]]
    #: Streams that take sessions one after another, of a closed loop; else those opened at the begin.
    users: int
    #: Seconds over which the users of a closed loop begin.
    ramp_seconds: float
    #: Requests in flight at most; what is due meanwhile waits, and its wait counts.
    most_in_flight: Optional[int]
    #: No request begins after so many seconds.
    seconds: Optional[float]
    #: By request: the one that follows it in its session.
    following: "Following"
    #: Requests in all.
    count: int


class Following:
    """Turns of equally long sessions, or of a trace's."""

    def __init__(
        self,
        turns: int = 1,
        think_seconds: float = 0.0,
        chain: Optional[Dict[int, int]] = None,
        turn_of: Optional[Dict[int, int]] = None,
        offsets: Optional[array] = None,
    ) -> None:
        self._turns = turns
        self._think = think_seconds
        self._chain = chain
        self._turn_of = turn_of or {}
        self._offsets = offsets
        #: No session has a second turn.
        self.never = turns == 1 and not chain

    def next(self, serial: int) -> Optional[int]:
        if self._chain is not None:
            return self._chain.get(serial)
        return serial + 1 if (serial + 1) % self._turns else None

    def due(self, serial: int, answered: float) -> float:
        """When this later turn is due; both in seconds after the begin."""
        if self._offsets is not None:
            return max(answered, self._offsets[serial])
        return answered + self._think

    def turn(self, serial: int) -> int:
        """Its place in its session, from 0 on."""
        return serial % self._turns if self._chain is None else self._turn_of.get(serial, 0)


def pacing_of(profile: Dict[str, Any], part: int = 0, parts: int = 1) -> Pacing:
    """Of a whole profile, or the part of it that one of several processes drives: every `parts`-th session."""
    kind, count = profile["profile"], profile["requests"]
    seconds = profile.get("seconds")
    if kind == "trace":
        return _trace(profile, part, parts)
    turns = profile.get("turns") or {}
    length = turns.get("count", 1)
    following = Following(length, (turns.get("thinkMs") or 0) / 1000.0)
    # A session is not cut: the last may have to be left out.
    sessions = range(0, max(1, count // length) * length, length)
    most: Optional[int] = None
    offsets: Optional[Sequence[float]] = None
    ramp = 0.0
    if kind == "closed-loop":
        users = profile["concurrency"]
        ramp = float(profile.get("rampSeconds") or 0.0)
    elif kind == "offline":
        users = len(sessions)
        offsets = array("d", bytes(8 * len(sessions)))
    else:
        offsets = arrival_offsets(profile, len(sessions), length)
        most = profile.get("maxConcurrency")
        sessions = sessions[: len(offsets)]
        users = 0
    sessions = sessions[part::parts]
    if offsets is not None:
        offsets = offsets[part::parts]
    return Pacing(
        sessions,
        offsets,
        min(share(users, part, parts), len(sessions)),
        ramp,
        None if most is None else max(1, share(most, part, parts)),
        seconds,
        following,
        len(sessions) * length,
    )


def warmup_pacing(profile: Dict[str, Any], part: int = 0, parts: int = 1) -> Pacing:
    """The warm-up is a closed loop of the profile's concurrency, or of as many requests as may be in flight."""
    count = share(profile["warmupRequests"], part, parts)
    users = profile.get("concurrency") or profile.get("maxConcurrency") or _WARMUP_USERS
    serials = range(part, part + count * parts, parts)
    users = min(max(1, share(users, part, parts)), count)
    return Pacing(serials, None, users, 0.0, None, None, Following(), count)


def share(total: int, part: int, parts: int) -> int:
    """What falls to one of several parts; they differ by one at most."""
    return total // parts + (1 if part < total % parts else 0)


def _trace(profile: Dict[str, Any], part: int, parts: int) -> Pacing:
    speed = profile.get("speed") or 1.0
    entries = profile["entries"][: profile["requests"]]
    seconds = profile.get("seconds")
    offsets = array("d", (entry["atMs"] / 1000.0 / speed for entry in entries))
    order = sorted(range(len(entries)), key=lambda serial: offsets[serial])
    chain: Dict[int, int] = {}
    turn_of: Dict[int, int] = {}
    last: Dict[int, int] = {}
    firsts: List[int] = []
    for serial in order:
        session = entries[serial].get("session")
        if session is not None and session in last:
            chain[last[session]] = serial
            turn_of[serial] = turn_of.get(last[session], 0) + 1
        elif seconds is None or offsets[serial] < seconds:
            firsts.append(serial)
        if session is not None:
            last[session] = serial
    firsts = firsts[part::parts]
    count = 0
    for serial in firsts:
        following: Optional[int] = serial
        while following is not None:
            count += 1
            following = chain.get(following)
    due = array("d", (offsets[serial] for serial in firsts))
    return Pacing(firsts, due, 0, 0.0, None, seconds, Following(chain=chain, turn_of=turn_of, offsets=offsets), count)
