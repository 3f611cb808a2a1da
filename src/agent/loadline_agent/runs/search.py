"""A search beside the grid: which of its candidates to run next, from those that were run so far.

Candidates are ordinary cells, small to large. A decision is a function of the journal alone, so that a run that was interrupted
in the middle of a search goes on with the same one.
"""

import math
from typing import Dict, List, NamedTuple, Optional, Sequence, Union

from .edge import BEYOND, GOOD, MOST_UNCLEAR, SHORT, UNCLEAR, EdgeSearch, Found, Probe, bisection_tries, most_tries, seek
from .figures import TrialFigures, judge_trial

#: Failures that say nothing of the candidate: the host or the plan is at fault, whatever the value.
NOT_OF_THE_CANDIDATE = (
    "port-in-use",
    "not-found",
    "gpu-busy",
    "image-missing",
    "gated-model",
    "profiling-disturbed",
    "cancelled",
    "model-missing",
    "unknown-flag",
    "container-runtime",
    "key-file",
    "no-gpu",
    "disk-full",
    "mps",
)

#: What the candidate's memory may have ended it by.
FATAL_UNDER_LOAD = ("out-of-memory", "crashed", "killed", "host-out-of-memory", "gpu-fault")

#: Trials of one cell that a search asks for where the result is near the limit, the plan's own included.
MOST_REPEATS = 3

#: Nearer to the limit than run-to-run noise: one trial does not decide.
NEAR_SHARE = 0.05

#: A doubling of the load that gains less is on the plateau.
PLATEAU_GAIN = 0.05

#: What two single runs differ by through noise alone, at most: two deviations of 3 % each, of a difference.
NOISE_OF_GAIN = 0.085

#: Around a knee, levels that differ by less are alike.
ALIKE_RATIO = 1.1


class Settled(NamedTuple):
    """What became of a cell: its cell-failed record, or the figures of its trials."""

    failure: Optional[dict]
    trials: Sequence[TrialFigures]


class Spent(NamedTuple):
    """Trials of a search."""

    runs: int
    #: Beyond those of the plan.
    repeats: int


class Outcome(NamedTuple):
    #: good, bad, unclear
    verdict: str
    why: str
    #: Where the good ones are, if the failure says so: raise or lower the value.
    side: Optional[str] = None


class Next(NamedTuple):
    cell: str
    why: str


class Finished(NamedTuple):
    found: Optional[str]
    good: List[str]
    bad: List[str]
    smooth: bool
    why: str


PURPOSES = {
    "first": "the first to try",
    "gallop": "next to the expected edge",
    "rung": "the next step of the ladder",
    "bisect": "in the middle of what is open",
    "neighbour": "beside the edge, to make sure of it",
    "scan": "near results that contradict each other",
}


class Search:
    """`request`: a RunSearch of src/protocol/agent.ts. `cells`: those of the run, by id."""

    def __init__(self, request: dict, cells: Dict[str, dict]) -> None:
        self.id: str = request["id"]
        self.candidates: List[str] = [cell for cell in request["cells"] if cell in cells]
        self._cells = cells
        self._goal: dict = request["goal"]
        self._kind: str = request["goal"]["kind"]
        self.is_knee = self._kind == "knee"
        self._flag: Optional[str] = request.get("flag")
        #: The edge is looked for from the side where it is bad: of a largest value, from above.
        self._descending = self._kind in ("largest-that-starts", "largest-within-slo")
        order = list(reversed(self.candidates)) if self._descending else self.candidates
        self._order = order
        expected = request.get("expected")
        self._first = order.index(expected) if expected in order else None
        self._rungs = ladder(self._levels())
        count = len(order)
        # A ladder comes to the limit from below, where runs are short; where it takes too many steps, bisection does not.
        gap = max((high - low for low, high in zip(self._rungs, self._rungs[1:])), default=1)
        climb = len(self._rungs) + bisection_tries(gap - 1)
        self._climbs = self.is_knee or (self._first is None and climb <= most_tries(count))
        needed = climb if self._climbs else bisection_tries(count)
        self._trials = max((cells[cell].get("trials", 1) for cell in order), default=1)
        #: Trials beyond the plan's that its share leaves for repeats.
        self._spare = max(0, most_tries(count) - needed) * self._trials

    # Outcomes

    def outcome(self, settled: Settled) -> Outcome:
        """Of one candidate by itself. Of a knee there is none: its candidates count by comparison."""
        failure = settled.failure
        if self._kind in ("smallest-that-starts", "largest-that-starts"):
            return self._started(failure)
        if failure is not None:
            return self._failed_under_load(failure)
        if self.is_knee:
            return throughput_outcome(settled.trials)
        judged = [judge_trial(figures, self._goal["limits"]) for figures in not_bound(settled.trials)]
        missed = next((one for one in judged if one.meets is False), None)
        if missed:
            return Outcome("bad", missed.why)
        unknown = next((one for one in judged if one.meets is None), None)
        if unknown or not judged:
            side = "lower" if all_bound(settled.trials) else None
            return Outcome("unclear", unknown.why if unknown else "it has no trial", side)
        return Outcome("good", min(judged, key=lambda one: one.margin or 0).why)

    def _started(self, failure: Optional[dict]) -> Outcome:
        if failure is None:
            return Outcome("good", "it started and served its load")
        kind, message = failure["kind"], failure["message"]
        if kind in NOT_OF_THE_CANDIDATE:
            return Outcome("unclear", message)
        if failure["phase"] in ("start", "ready") or kind in FATAL_UNDER_LOAD:
            return Outcome("bad", message, self._side_of(failure))
        return Outcome("good", f"it started; its load failed: {message}")

    def _side_of(self, failure: dict) -> Optional[str]:
        """What the failure's remedies say of the value that is searched for."""
        changes = {
            remedy["change"] for remedy in failure.get("remedies") or () if plain(remedy["flag"]) == plain(self._flag)
        }
        return changes.pop() if len(changes) == 1 and changes <= {"raise", "lower"} else None

    def _failed_under_load(self, failure: dict) -> Outcome:
        if failure["phase"] in ("start", "ready") or failure["kind"] in NOT_OF_THE_CANDIDATE:
            return Outcome("unclear", failure["message"])
        return Outcome("bad", failure["message"])

    def wants_repeat(self, trials: Sequence[TrialFigures], spent: Spent) -> bool:
        """Whether one more trial of a cell is wanted: the client set the others, or all meet the limits and one by less than noise.

        `spent`: in this search so far, `trials` included.
        """
        if self._kind not in ("largest-within-slo", "knee") or not 0 < len(trials) < MOST_REPEATS:
            return False
        if spent.repeats >= self._spare or spent.runs >= most_tries(len(self._order)) * self._trials:
            return False
        if all_bound(trials):
            # What disturbed the client may have passed.
            return True
        if self.is_knee:
            return False
        judged = [judge_trial(figures, self._goal["limits"]) for figures in not_bound(trials)]
        return all(one.meets for one in judged) and any(
            one.margin is not None and one.margin < NEAR_SHARE for one in judged
        )

    # Decisions

    def decide(self, settled: Dict[str, Settled]) -> Union[Next, Finished]:
        """`settled`: of this search's cells, those with a result."""
        step = self._knee_step(settled) if self.is_knee else self._edge_step(settled)
        if isinstance(step, Probe):
            return Next(self._order[step.index], PURPOSES[step.purpose])
        return self._finished(step, settled)

    def _edge_step(self, settled: Dict[str, Settled]) -> Union[Probe, Found]:
        count = len(self._order)
        outcomes = {index: self.outcome(settled[cell]) for index, cell in enumerate(self._order) if cell in settled}
        verdicts = {index: self._verdict(outcome) for index, outcome in outcomes.items()}
        towards = "lower" if self._descending else "raise"
        under_load = self._kind == "largest-within-slo"
        rungs = [count - 1 - index for index in self._rungs] if under_load and self._climbs else ()
        return seek(
            EdgeSearch(
                count,
                self._most(settled),
                first=self._first,
                ladder=rungs,
                sure=lambda index: under_load or outcomes[index].side == towards,
                steady=under_load,
            ),
            verdicts,
        )

    def spent(self, trials: Dict[str, Sequence[TrialFigures]]) -> Spent:
        """Of what was measured, by cell."""
        counts = [len(trials.get(cell, ())) for cell in self.candidates]
        return Spent(sum(counts), sum(max(0, count - self._trials) for count in counts))

    def _most(self, settled: Dict[str, Settled]) -> int:
        """Candidates that may be run: repeats of some are taken off."""
        repeats = self.spent({cell: one.trials for cell, one in settled.items()}).repeats
        return most_tries(len(self._order)) - math.ceil(repeats / self._trials)

    def _verdict(self, outcome: Outcome) -> str:
        if outcome.verdict == "good":
            return GOOD
        away = "raise" if self._descending else "lower"
        if outcome.verdict == "unclear":
            # Where the client is the limit, it is at any higher load too.
            return SHORT if outcome.side == "lower" else UNCLEAR
        return BEYOND if outcome.side == away else SHORT

    def _levels(self) -> List[float]:
        levels = [load_level(self._cells[cell]["load"]) for cell in self.candidates]
        rising = all(low < high for low, high in zip(levels, levels[1:]))
        return levels if rising and levels and levels[0] > 0 else [float(at + 1) for at in range(len(levels))]

    # Knee

    def _knee_step(self, settled: Dict[str, Settled]) -> Union[Probe, Found]:
        """The smallest load within `gain` of the plateau's throughput."""
        levels = self._levels()
        rungs = self._rungs
        gain = self._goal.get("gain") or PLATEAU_GAIN
        throughput = self._throughputs(settled)
        climbed = [rung for rung in rungs if rung in throughput]
        if len(climbed) < len(rungs) and not is_over(climbed, throughput, gain):
            return Probe(rungs[len(climbed)], "rung" if climbed else "first")
        plateau = plateau_throughput(climbed, throughput, gain)
        if plateau is None:
            known = any(throughput[rung] is not None for rung in climbed)
            return Found(None, True, "rising" if known else "unclear")
        peak = max(climbed, key=lambda rung: throughput[rung] or 0)

        def verdict(index: int) -> str:
            value = throughput[index]
            if value is None:
                return BEYOND if index > peak else UNCLEAR
            if value >= (1 - gain) * plateau:
                return GOOD
            return SHORT if index < peak else BEYOND

        count = len(self._order)
        return seek(
            EdgeSearch(
                count,
                max(self._most(settled), len(climbed)),
                alike=lambda low, high: levels[high] <= ALIKE_RATIO * levels[low],
                steady=True,
            ),
            {index: verdict(index) for index in throughput},
        )

    def _throughputs(self, settled: Dict[str, Settled]) -> Dict[int, Optional[float]]:
        """By index; None of a cell that has none which counts."""
        return {
            index: mean_throughput(settled[cell]) for index, cell in enumerate(self._order) if cell in settled
        }

    def knee_outcome(self, cell: str, settled: Dict[str, Settled]) -> Outcome:
        """What a candidate of a knee says, beside those that were run by then."""
        own = self.outcome(settled[cell])
        if own.verdict != "good":
            return own
        others = [value for value in self._throughputs(settled).values() if value is not None]
        value = mean_throughput(settled[cell])
        if value is None or len(others) < 2:
            return Outcome("unclear", f"{own.why}; nothing to compare it with yet")
        share = value / max(others)
        gain = self._goal.get("gain") or PLATEAU_GAIN
        verdict = "good" if share >= 1 - gain else "bad"
        return Outcome(verdict, f"{own.why}, {100 * share:.3g} % of the most so far")

    # End

    def _finished(self, found: Found, settled: Dict[str, Settled]) -> Finished:
        cell = None if found.index is None else self._order[found.index]
        if self.is_knee:
            outcomes = {name: self.knee_outcome(name, settled) for name in settled}
        else:
            outcomes = {name: self.outcome(one) for name, one in settled.items()}
        of = {
            verdict: [name for name in self.candidates if name in outcomes and outcomes[name].verdict == verdict]
            for verdict in ("good", "bad")
        }
        return Finished(cell, of["good"], of["bad"], found.smooth, self._why(found, len(settled)))

    def _why(self, found: Found, tried: int) -> str:
        count = len(self.candidates)
        told = f"{tried} of {count} tried"
        if found.reason == "unclear":
            return f"{told}; none says anything of what is searched for: see why each failed."
        if found.reason == "rising":
            return f"{told}; throughput still grows at the largest load that counts, so the knee lies above it."
        if found.index is None:
            rest = "" if found.reason == "none" else "; what lies between them was not tried"
            return f"{told}; none is good{rest}."
        words = []
        if not found.smooth:
            words.append("the results contradict each other near the edge")
        if found.reason == "budget":
            words.append("the search ended before it was sure of the edge")
        if self._descending and found.index == 0:
            words.append("it is the largest candidate, so the limit may lie higher")
        if not self._descending and found.index == 0:
            words.append("it is the smallest candidate, so the limit may lie lower")
        return "; ".join([told, *words]) + "."


def all_bound(trials: Sequence[TrialFigures]) -> bool:
    return bool(trials) and all(figures.client_bound for figures in trials)


def not_bound(trials: Sequence[TrialFigures]) -> Sequence[TrialFigures]:
    """Those that the client did not set, where there are any."""
    return [figures for figures in trials if not figures.client_bound] or trials


def throughput_outcome(trials: Sequence[TrialFigures]) -> Outcome:
    if all_bound(trials):
        return Outcome("unclear", "the client may have set the result, not the engine (client-bound)", "lower")
    values = [figures.system_tokens_per_second for figures in not_bound(trials)]
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return Outcome("unclear", "the engine did not count the tokens of every answer")
    return Outcome("good", f"{sum(known) / len(known):.4g} tokens/s")


def mean_throughput(settled: Settled) -> Optional[float]:
    if settled.failure is not None or throughput_outcome(settled.trials).verdict != "good":
        return None
    values = [figures.system_tokens_per_second or 0 for figures in not_bound(settled.trials)]
    return sum(values) / len(values)


def ladder(levels: Sequence[float]) -> List[int]:
    """Indices of rising levels, each at most twice the one before where there is one, the last included."""
    rungs = [0] if levels else []
    while rungs and rungs[-1] < len(levels) - 1:
        at = rungs[-1]
        reach = [index for index in range(at + 1, len(levels)) if levels[index] <= 2 * levels[at]]
        rungs.append(max(reach, default=at + 1))
    return rungs


def is_over(climbed: Sequence[int], throughput: Dict[int, Optional[float]], gain: float) -> bool:
    """Whether the ladder need not be climbed on: two steps gained nothing, one lost much, or two could not be measured."""
    best, flat, unknown = 0.0, 0, 0
    for rung in climbed:
        value = throughput[rung]
        if value is None:
            unknown += 1
            if unknown >= MOST_UNCLEAR:
                return True
            continue
        unknown = 0
        flat = flat + 1 if value < (1 + gain) * best else 0
        if flat >= 2 or value < (1 - 2 * gain) * best:
            return True
        best = max(best, value)
    return False


def plateau_throughput(
    climbed: Sequence[int], throughput: Dict[int, Optional[float]], gain: float
) -> Optional[float]:
    """Mean over the steps of the plateau; None where throughput surely still rose at the last."""
    values = [value for value in (throughput[rung] for rung in climbed) if value is not None]
    if len(values) < 2:
        return None
    best = max(values)
    if values[-1] > (1 + gain + NOISE_OF_GAIN) * max(values[:-1]):
        return None
    on_it = [value for value in values if value >= (1 - gain) * best]
    return sum(on_it) / len(on_it)


def load_level(load: dict) -> float:
    """What a load profile is large or small by."""
    return float(load.get("concurrency") or load.get("requestsPerSecond") or 0)


def plain(flag: Optional[str]) -> str:
    """`--max-model-len`, `max_model_len` and `max-model-len` are one flag."""
    return (flag or "").lstrip("-").replace("_", "-")
