"""Engines over a run: which one a cell needs, started when the GPUs are quiet, its metrics read, ended before the next."""

import time
from contextlib import contextmanager
from typing import Dict, Iterator, List, Optional, Tuple

from ..engines.failure import diagnosis_of
from .engine import Engine
from .folder import RunFolder
from .foreign_processes import busy_failure, foreign_processes
from .gpu_state import gpu_states
from .instance import EngineFailed
from .journal import Journal
from .launch import Launch, launch_of, log_file
from .metrics import Metrics
from .mps import common_daemon
from .settle import used, wait_settled
from .watch import Watch

#: Another process may take a free port before the engine binds it, or free memory while the engine measures.
START_ATTEMPTS = 3
WORTH_ANOTHER_START = ("port-in-use", "profiling-disturbed")

#: How long a driver may list a process that has ended.
LINGERING_SECONDS = 8.0

#: Of the moment, not of the configuration: the next cell of the same engine tries again.
PASSING = (*WORTH_ANOTHER_START, "gpu-busy")


class CellEngines:
    """One engine (or its copies) at a time. `failures`: (engine key, `cell-failed` record) of starts that an earlier attempt saw fail."""

    def __init__(
        self, folder: RunFolder, request: dict, journal: Journal, watch: Watch, failures: List[Tuple[str, dict]]
    ) -> None:
        self._folder = folder
        self._request = request
        self._journal = journal
        self._watch = watch
        self._engine: Optional[Engine] = None
        self._metrics: Optional[Metrics] = None
        labels = {cell["id"]: cell["label"] for cell in request["cells"]}
        #: By engine key: in which cell its start failed, and how. It is not started again for the others.
        self._failed = {
            key: (labels.get(record["cell"], record["cell"]), EngineFailed(record["phase"], diagnosis_of(record)))
            for key, record in failures
            if record["kind"] not in PASSING
        }
        #: Bytes in use of each GPU before anything was started on it.
        self._memory_before: Dict[int, int] = {}
        self._warned: List[str] = []
        watch.others.append(self._check_metrics)

    def for_cell(self, cell: dict) -> Engine:
        """The engine of the cell, running and ready. Raises EngineFailed, also where its key failed before."""
        key = cell["engineKey"]
        if self._engine is not None and self._engine.key == key and self._engine.ended() is None:
            return self._engine
        self.stop()
        if key in self._failed:
            first, failed = self._failed[key]
            about = failed.diagnosis
            message = f"Not started again: the same engine failed for {first}. {about.message}"
            raise EngineFailed(failed.phase, about._replace(message=message))
        launch = launch_of(cell, self._folder, cell.get("gpus") or self._request["gpus"])
        for attempt in range(START_ATTEMPTS):
            try:
                return self._start(cell, launch)
            except EngineFailed as failed:
                self.stop()
                kind = failed.diagnosis.kind
                if kind in WORTH_ANOTHER_START and attempt + 1 < START_ATTEMPTS:
                    continue
                if kind == "killed" and attempt == 0:
                    self._warn(f"{cell['label']}: its engine was killed while it started. It is started once more.")
                    continue
                if kind not in PASSING:
                    self._failed[key] = (cell["label"], failed)
                raise
        raise AssertionError("the last attempt returns or raises")

    def _start(self, cell: dict, launch: Launch) -> Engine:
        key = cell["engineKey"]
        self._look_at_gpus(launch)
        logs = [log_file(cell, launch, index) for index in range(launch.copies)]
        engine = self._engine = Engine(self._folder, self._watch, key, launch, logs)
        self._journal.append(
            "engine-starting",
            engineKey=key,
            cell=cell["id"],
            command=engine.command,
            log=engine.log,
            simulated=launch.simulated,
        )
        started = time.monotonic()
        engine.start()
        seconds = round(time.monotonic() - started, 3)
        instances = engine.instances_record()
        self._journal.append(
            "engine-ready",
            engineKey=key,
            startupSeconds=seconds,
            version=instances[0]["version"],
            instances=instances,
            **support_of(engine),
        )
        for note in [*engine.notes, *unverified_note(engine)]:
            self._warn(note)
        self._start_metrics(engine)
        return engine

    def _look_at_gpus(self, launch: Launch) -> None:
        """Nothing of this run is on the GPUs now: who is there is foreign, and what is used is not ours."""
        if not launch.gpus or launch.endpoint is not None:
            return
        states = gpu_states(launch.gpus, self._watch.wait)
        found = foreign_processes(states)
        end = time.monotonic() + LINGERING_SECONDS
        while found is not None and self._memory_before and time.monotonic() < end:
            # Its own last engine may still be in the driver's list.
            self._watch.wait(1.0)
            states = gpu_states(launch.gpus, self._watch.wait)
            found = foreign_processes(states)
        if found is not None:
            if not self._request.get("allowForeignProcesses"):
                raise busy_failure(found)
            self._warn(f"{found} They were allowed (allowForeignProcesses): they share the GPUs with what is measured.")
        shared = common_daemon()
        if shared is not None and launch.sharing != "mps":
            self._warn(shared)
        before = used(states)
        for gpu, held in zip(launch.gpus, before or []):
            self._memory_before.setdefault(gpu, held)

    def _warn(self, message: str) -> None:
        """Once in a run."""
        if message not in self._warned:
            self._warned.append(message)
            self._journal.append("warning", message=message)

    # Metrics

    def _start_metrics(self, engine: Engine) -> None:
        names = engine.kind.metrics
        if names is None or self._request["telemetry"] is None:
            return
        addresses = [(instance.index, instance.address) for instance in engine.instances if not instance.address.tls]
        if addresses:
            self._metrics = Metrics(self._folder, engine.key, names, addresses)

    def _stop_metrics(self) -> None:
        metrics, self._metrics = self._metrics, None
        if metrics is not None:
            metrics.stop()

    def _check_metrics(self) -> None:
        trouble = self._metrics.check() if self._metrics else None
        if trouble:
            self._warn(trouble)

    @contextmanager
    def measuring(self, label: str) -> Iterator[None]:
        """Around a measured load of the cell of this label: metrics come more rarely in quiet mode, and preemptions are counted."""
        metrics, telemetry = self._metrics, self._request["telemetry"]
        if metrics is None:
            yield
            return
        before = metrics.preemptions()
        metrics.slow_down(quiet=telemetry.get("mode") == "quiet")
        try:
            yield
        finally:
            metrics.slow_down(quiet=False)
        after = metrics.preemptions()
        if before is not None and after is not None and after > before:
            self._journal.append(
                "warning",
                message=f"KV-bound: the engine preempted {after - before:g} requests at {label}. Its KV cache is too small for this load; what it had computed of them was computed again.",
            )

    # Stop

    def stop(self, quietly: bool = False, cancelled: bool = False) -> None:
        """`quietly`: writes nothing. `cancelled`: no engine comes after it that would need the memory."""
        engine, self._engine = self._engine, None
        self._stop_metrics()
        if engine is None:
            return
        if not engine.started:
            # What was begun around it (a daemon, a container's name) may be there.
            engine.stop()
            return
        began = time.monotonic()
        signal_name = engine.stop()
        if quietly:
            return
        self._folder.note_processes(**{name: None for name in self._folder.processes() if name.startswith("engine")})
        seconds = round(time.monotonic() - began, 3)
        self._journal.append("engine-stopped", engineKey=engine.key, signal=signal_name, seconds=seconds)
        if not cancelled:
            self._wait_settled(engine)

    def _wait_settled(self, engine: Engine) -> None:
        gpus = engine.gpus
        if not gpus or any(gpu not in self._memory_before for gpu in gpus):
            return
        settled = wait_settled(gpus, [self._memory_before[gpu] for gpu in gpus])
        if settled is None:
            return
        self._journal.append(
            "memory-settled", engineKey=engine.key, seconds=settled.seconds, usedBytes=settled.used_bytes
        )
        if settled.trouble:
            self._warn(settled.trouble)


def unverified_note(engine: Engine) -> List[str]:
    """Whoever reads the results must know it, too."""
    kind = engine.kind
    if engine.simulated or kind.verified is not None or kind.documentation is None:
        return []
    return [
        f"{kind.label} is unverified: Loadline was never run with a real one. What it does follows {kind.documentation}."
    ]


def support_of(engine: Engine) -> dict:
    """What is known of how well this engine is known. A rehearsal's needs no saying, nor a program of the plan's own."""
    if engine.simulated or engine.kind.documentation is None:
        return {}
    verified, kind = engine.kind.verified, engine.kind
    return {
        "support": {
            "verified": f"{kind.label} {verified.version}, {verified.date}, {verified.on}" if verified else None,
            "documentation": kind.documentation,
        }
    }

