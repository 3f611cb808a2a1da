"""The searches of a run: what the journal says of each, and the cells that they run or pass over."""

from typing import Callable, Dict, List, Optional

from .figures import TrialFigures, trial_figures
from .journal import JournalTail
from .search import Finished, Outcome, Search, Settled

Append = Callable[..., None]


class SearchState:
    """One search with its part of the journal."""

    def __init__(self, search: Search) -> None:
        self.search = search
        self.steps: List[str] = []
        self.finished = False


class Searches:
    def __init__(self, directory: str, request: dict) -> None:
        cells = {cell["id"]: cell for cell in request["cells"]}
        self._states = [SearchState(Search(search, cells)) for search in request.get("searches") or ()]
        self._by_id = {state.search.id: state for state in self._states}
        self._covered = {cell for state in self._states for cell in state.search.candidates}
        self._tail = JournalTail(directory)
        self._settled: Dict[str, Settled] = {}
        self._passed_over: set = set()
        self._trials: Dict[str, List[TrialFigures]] = {}
        self._cells = cells

    def covers(self, cell: str) -> bool:
        """Whether a search decides if this cell runs."""
        return cell in self._covered

    def run(self, cell: str, run_cell: Callable[[dict], None], append: Append) -> None:
        """The searches that have this candidate, to their end. What an interrupted attempt left half-said is said first."""
        for state in self._states:
            if cell in state.search.candidates:
                self._run(state, run_cell, append)

    def _run(self, state: SearchState, run_cell: Callable[[dict], None], append: Append) -> None:
        search = state.search
        while True:
            self._read()
            of_search = {name: self._settled[name] for name in search.candidates if name in self._settled}
            for name in of_search:
                if name not in state.steps:
                    self._say_step(state, name, of_search, append)
            if state.finished:
                break
            decision = search.decide(of_search)
            if isinstance(decision, Finished):
                self._say_finished(state, decision, append)
                state.finished = True
                break
            run_cell(self._cells[decision.cell])
        self._pass_over(state, append)

    def wants_repeat(self, cell: str) -> bool:
        """Whether a trial beyond the plan's would make a near result sure."""
        if cell not in self._covered:
            return False
        self._read()
        trials = self._trials.get(cell, [])
        return any(
            search.wants_repeat(trials, search.spent(self._trials))
            for search in (state.search for state in self._states)
            if cell in search.candidates
        )

    # The journal

    def _read(self) -> None:
        if not self._states:
            return
        for record in self._tail.new_records():
            kind, cell = record["type"], record.get("cell")
            if kind == "search-step" and record["search"] in self._by_id:
                self._by_id[record["search"]].steps.append(cell)
            elif kind == "search-finished" and record["search"] in self._by_id:
                self._by_id[record["search"]].finished = True
            elif cell not in self._covered:
                continue
            elif kind == "trial-measured":
                profile = self._cells[cell]["load"].get("profile", "closed-loop")
                self._trials.setdefault(cell, []).append(trial_figures(record["measurement"], profile))
            elif kind == "cell-done":
                self._settled[cell] = Settled(None, self._trials.get(cell, []))
            elif kind == "cell-failed":
                self._settled[cell] = Settled(record, self._trials.get(cell, []))
            elif kind == "cell-passed-over":
                self._passed_over.add(cell)

    def _say_step(self, state: SearchState, cell: str, settled: Dict[str, Settled], append: Append) -> None:
        search = state.search
        outcome: Outcome = (
            search.knee_outcome(cell, settled) if search.is_knee else search.outcome(settled[cell])
        )
        append("search-step", search=search.id, cell=cell, outcome=outcome.verdict, why=outcome.why)
        state.steps.append(cell)

    def _say_finished(self, state: SearchState, found: Finished, append: Append) -> None:
        append(
            "search-finished",
            search=state.search.id,
            found=found.found,
            good=found.good,
            bad=found.bad,
            smooth=found.smooth,
            why=found.why,
        )

    def _pass_over(self, state: SearchState, append: Append) -> None:
        """Candidates that no other search may still want."""
        wanted = {
            cell for other in self._states if not other.finished for cell in other.search.candidates
        }
        for cell in state.search.candidates:
            if cell not in self._settled and cell not in self._passed_over and cell not in wanted:
                why = f"The search {state.search.id} did not need it."
                append("cell-passed-over", cell=cell, search=state.search.id, why=why)
                self._passed_over.add(cell)


def next_trial(cell: dict, measured: Callable[[int], bool], searches: Searches) -> Optional[int]:
    """The trial to run next; None where the cell has all that it needs."""
    for trial in range(cell["trials"]):
        if not measured(trial):
            return trial
    if not searches.wants_repeat(cell["id"]):
        return None
    trial = cell["trials"]
    while measured(trial):
        trial += 1
    return trial
