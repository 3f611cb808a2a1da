"""Where candidates in order turn from bad to good: which one to try next. Pure: a function of what was tried so far.

The usual case is `bad … bad good … good`. Bisection finds its edge; the candidates around it are tried too, and where they say
otherwise (the outcomes are not monotonic) a bracket around the edge is tried one by one.
"""

import math
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Union

#: Bad, as far as is known because the candidate is too small.
SHORT = "short"
GOOD = "good"
#: Bad because the candidate is too large.
BEYOND = "beyond"
#: It says nothing of the candidate; the others are left.
UNCLEAR = "unclear"

#: A search tries at most this share of its candidates, or as many as a bisection takes where those are few.
MOST_SHARE = 0.4

#: Outcomes that contradict the edge within so many candidates are looked into; farther ones are said.
BRACKET = 4

#: So many candidates that say nothing, and none that says something: the rest would say nothing either.
MOST_UNCLEAR = 2


class Probe(NamedTuple):
    """Try this one. `purpose`: first, gallop, rung, bisect, neighbour, scan."""

    index: int
    purpose: str


class Found(NamedTuple):
    """Nothing more to try. `index` is None where none is good."""

    index: Optional[int]
    #: False where outcomes contradict each other: a good one below a bad one.
    smooth: bool
    #: edge, none, unclear, budget (the edge may lie elsewhere, for want of tries).
    reason: str


def bisection_tries(count: int) -> int:
    """Tries that find an edge among `count` candidates, none and all good included."""
    return math.ceil(math.log2(count + 1))


def most_tries(count: int) -> int:
    return max(bisection_tries(count), math.floor(MOST_SHARE * count))


class EdgeSearch(NamedTuple):
    """What does not change while the edge is looked for."""

    count: int
    most: int
    #: The likely answer: tried first, then what is next to it.
    first: Optional[int] = None
    #: Tried in this order until there is one on each side of the edge. Not beside `first`.
    ladder: Sequence[int] = ()
    #: Whether SHORT is sure to mean too small, for these; there is then nothing good below them.
    sure: Callable[[int], bool] = lambda _index: False
    #: Whether two candidates are so alike that nothing between them is worth a try.
    alike: Callable[[int, int], bool] = lambda _low, _high: False
    verify: bool = True
    #: Of contradicting outcomes: the smallest good one (False), or the one that most of them agree with (True).
    steady: bool = False


def seek(search: EdgeSearch, verdicts: Dict[int, str]) -> Union[Probe, Found]:
    """The smallest good candidate. `verdicts` by index, of all that were tried."""
    count = search.count
    short = {index for index, verdict in verdicts.items() if verdict == SHORT}
    good = {index for index, verdict in verdicts.items() if verdict == GOOD}
    beyond = {index for index, verdict in verdicts.items() if verdict == BEYOND}
    if not (short or good or beyond) and len(verdicts) >= min(MOST_UNCLEAR, count):
        return Found(None, True, "unclear")
    edge = chosen(search, good, short)
    top = min(beyond, default=count) if edge is None else edge
    bottom = max((index for index in short if index < top), default=-1)
    between = [index for index in range(bottom + 1, top) if index not in verdicts]
    spent = len(verdicts) >= search.most
    closed = bottom >= 0 and top < count
    if between and not (closed and search.alike(bottom, top)):
        return Found(edge, False, "budget") if spent else inside(search, verdicts, between)
    if edge is None:
        return nothing_good(search, verdicts, short, beyond, spent)
    if search.verify and not spent:
        around = next_around(count, verdicts, edge, good, short)
        if around is not None:
            return around
    smooth = all(index < min(good) for index in short)
    return Found(edge, smooth, "edge")


def inside(search: EdgeSearch, verdicts: Dict[int, str], between: List[int]) -> Probe:
    """While the edge lies among candidates that were not tried."""
    count = search.count
    sides = set(verdicts.values()) - {UNCLEAR}
    one_sided = len(sides) < 2
    if search.first is not None and one_sided:
        left = search.most - len(verdicts)
        if not sides:
            return Probe(affordable(between, search.first, left), "first")
        # 1, then 2, then 4 away from the last.
        step = 2 ** (len(verdicts) - 1)
        target = between[0] - 1 + step if SHORT in sides else between[-1] + 1 - step
        return Probe(affordable(between, target, left), "gallop")
    if search.ladder and one_sided:
        for rung in search.ladder:
            if rung in between:
                return Probe(rung, "rung")
    middle = between[len(between) // 2]
    return Probe(middle, "first" if len(between) == count else "bisect")


def affordable(between: List[int], target: int, left: int) -> int:
    """The nearest to `target` after which `left - 1` tries still find the edge, on whichever side it is."""
    last = len(between) - 1
    enough = [at for at in range(len(between)) if bisection_tries(max(at, last - at)) <= left - 1]
    return min((between[at] for at in enough or [len(between) // 2]), key=lambda index: abs(index - target))


def nothing_good(
    search: EdgeSearch, verdicts: Dict[int, str], short: set, beyond: set, spent: bool
) -> Union[Probe, Found]:
    """Good ones may still lie between bad ones, unless each bad one says on which side of it they would be."""
    sure = all(search.sure(index) for index in short)
    if not sure and not spent and search.verify:
        gap = widest_gap(search.count, verdicts)
        if gap:
            return Probe(gap[len(gap) // 2], "scan")
    return Found(None, True, "none" if sure or len(verdicts) == search.count else "budget")


def widest_gap(count: int, verdicts: Dict[int, str]) -> List[int]:
    gaps: List[List[int]] = [[]]
    for index in range(count):
        if index in verdicts:
            gaps.append([])
        else:
            gaps[-1].append(index)
    return max(gaps, key=len)


def next_around(count: int, verdicts: Dict[int, str], edge: int, good: set, short: set) -> Optional[Probe]:
    odd = [index for index in short if edge < index <= edge + BRACKET]
    odd += [index for index in good if edge - BRACKET <= index < edge]
    if odd:
        bracket, purpose = range(min(edge, *odd) - 2, max(edge, *odd) + 3), "scan"
    else:
        # The one below the edge was tried already: it is how the edge was found.
        bracket, purpose = range(edge - 2, edge + 2), "neighbour"
    for index in bracket:
        if 0 <= index < count and index not in verdicts:
            return Probe(index, purpose)
    return None


def chosen(search: EdgeSearch, good: set, short: set) -> Optional[int]:
    if not good:
        return None
    if not search.steady:
        return min(good)

    def errors(edge: int) -> int:
        return sum(1 for index in good if index < edge) + sum(1 for index in short if index > edge)

    # Where two agree equally well, the one that asks for less.
    return min(good, key=lambda edge: (errors(edge), -edge))
