"""Which reading of which GPU is due, and whether there is time for it."""

import math
import time
from typing import Callable, List, NamedTuple, Optional, Sequence, Tuple

from .notices import Notices
from .reading import Reading, Unavailable, Unsupported

#: Left free before a tick, for what a job takes longer than it did before.
MARGIN_SECONDS = 0.002
#: A job that never fits is read nevertheless after so many of its periods; the gap that it makes is said.
PATIENCE_PERIODS = 5
#: How fast a long read is forgotten: by a tenth with each that follows.
FORGET = 0.9


class Job:
    """One reading of one GPU, or the host's."""

    def __init__(self, name: str, period: float, action: Callable[[], object], gpu: int = -1) -> None:
        self.name = name
        self.period = period
        self.action = action
        self.gpu = gpu
        self.due = 0.0
        self.cost = 0.0
        self.at_marks = False


class Busy(NamedTuple):
    """What is being read, since when (monotonic seconds): for whoever watches that a driver answers."""

    since: float
    what: str
    gpu: int


class Jobs:
    """`keep` takes (GPU, columns, values)."""

    def __init__(
        self,
        readings: Sequence[Reading],
        gpus: int,
        keep: Callable[[int, Tuple[str, ...], list], None],
        notices: Notices,
    ) -> None:
        self._keep = keep
        self._notices = notices
        self._each_tick: List[Job] = []
        self._held: List[Job] = []
        self._records: List[dict] = []
        self.busy: Optional[Busy] = None
        self._gpus = gpus
        for reading in readings:
            for gpu in range(gpus):
                job = Job(reading.name, reading.period, self._action(reading, gpu), gpu)
                job.at_marks = reading.at_marks
                self.add(job)

    def add(self, job: Job) -> None:
        (self._held if job.period > 0 else self._each_tick).append(job)

    def start(self, now: float) -> None:
        """GPUs take turns within a period, so that the work of all of them does not come at once."""
        for job in self._held:
            turn = (job.gpu + 1) / self._gpus if job.gpu >= 0 else 1
            job.due = now + job.period * turn if math.isfinite(job.period) else math.inf

    def run_all(self) -> List[dict]:
        return self._run_many([*self._each_tick, *self._held])

    def run_each_tick(self) -> List[dict]:
        return self._run_many(list(self._each_tick))

    def run_at_end(self) -> List[dict]:
        return self._run_many([job for job in self._held if job.at_marks])

    def _run_many(self, jobs: List[Job]) -> List[dict]:
        records: List[dict] = []
        for job in jobs:
            records += self.run(job)
        return records

    def mark(self) -> None:
        """What is read when something starts or ends is due at once, in the order of the readings."""
        for job in self._held:
            if job.at_marks:
                job.due = -math.inf

    def next_due(self, now: float, until: float) -> Optional[Job]:
        """The job that has waited longest, of those that are due and will be done by `until`."""
        best: Optional[Job] = None
        for job in self._held:
            if job.due > now or (best is not None and job.due >= best.due):
                continue
            overdue = math.isfinite(job.due) and now - job.due > PATIENCE_PERIODS * job.period
            if overdue or now + job.cost + MARGIN_SECONDS < until:
                best = job
        return best

    def run(self, job: Job) -> List[dict]:
        began = time.monotonic()
        self.busy = Busy(began, job.name, job.gpu)
        try:
            job.action()
        finally:
            self.busy = None
        ended = time.monotonic()
        job.cost = max(ended - began, job.cost * FORGET)
        if math.isfinite(job.period):
            # From when it was due, so that periods do not grow by what a read takes; what is far behind begins anew.
            job.due = job.due + job.period if ended - job.due < job.period else ended + job.period
        else:
            job.due = math.inf
        records, self._records = self._records, []
        return records

    def _action(self, reading: Reading, gpu: int) -> Callable[[], None]:
        columns = tuple(reading.columns)

        def act() -> None:
            try:
                values = list(reading.read(gpu))
                events = reading.events(gpu) if reading.events else []
            except Unsupported as error:
                self._keep(gpu, columns, [])
                self._switch_off(reading.name, gpu, str(error))
                return
            except Unavailable as error:
                self._keep(gpu, columns, [])
                self._notices.failing(reading.name, gpu, str(error))
                return
            self._keep(gpu, columns, values)
            self._notices.working(reading.name, gpu)
            now = round(time.monotonic() * 1000, 3)
            for event in events:
                self._records.append({"monotonicMs": now, "gpu": gpu, **event})

        return act

    def _switch_off(self, name: str, gpu: int, why: str) -> None:
        for jobs in (self._each_tick, self._held):
            jobs[:] = [job for job in jobs if not (job.name == name and job.gpu == gpu)]
        self._notices.say("reading-off", f"{name} is not to be had here: {why}", [gpu])
