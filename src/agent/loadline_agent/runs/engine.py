"""The engine of a cell, or its copies: started one after another, waited for until they serve, stopped with all that they started."""

import re
import time
from typing import Dict, List, Optional, Sequence

from ..engines.failure import Cause, Diagnosis, diagnose
from ..errors import AgentError
from ..processes import kill_leftovers
from .containers import CAUSES as RUNTIME_CAUSES
from .containers import ContainerInstance
from .endpoint import EndpointInstance, endpoint_silent
from .folder import RunFolder
from .host_memory import kills_of_memory
from .instance import EngineFailed, Instance, applied_differently
from .launch import Launch
from .mps import Mps
from .readiness import Readiness
from .sockets import remove_sockets
from .watch import Watch

#: Of an engine that did start: what its log said of the configuration before is not what ended it.
CAUSES_UNDER_LOAD = ("out-of-memory", "host-out-of-memory", "gpu-fault", "shared-memory", "disk-full", "nccl")


class Engine:
    """All copies of one engine. They share its GPUs; each has a process group, a port, a key and a log of its own."""

    def __init__(self, folder: RunFolder, watch: Watch, key: str, launch: Launch, logs: List[str]) -> None:
        self.key = key
        self.kind = launch.kind
        self.simulated = launch.simulated
        self.gpus = launch.gpus
        self.instances: List[Instance] = []
        #: What people should know of the start, beside that it went well.
        self.notes: List[str] = []
        self._folder = folder
        self._watch = watch
        self._launch = launch
        self._logs = logs
        self._models: Dict[int, str] = {}
        self._without_text = False
        self._mps: Optional[Mps] = None
        self._kills = kills_of_memory()
        self._make(0)
        watch.others.append(self._keep_logs)

    @property
    def command(self) -> List[str]:
        """Of the first copy, fit to be told."""
        return self.instances[0].command

    @property
    def log(self) -> str:
        return self.instances[0].log

    @property
    def version(self) -> Optional[str]:
        return self.instances[0].version

    def targets(self) -> List[dict]:
        """Where the load goes: url, api_key and model of each copy."""
        return [
            {
                "url": instance.address.url,
                "host": instance.address.host,
                "port": instance.address.port,
                "api_key": instance.address.api_key,
                "model": self._models[instance.index],
            }
            for instance in self.instances
        ]

    def load_of(self, load: dict) -> dict:
        """The load as this engine has to be asked: one without a tokenizer says by ids alone that it generates."""
        asked = {} if self.kind.takes_ignore_eos else {"ignoreEos": False}
        if not self.kind.marks_end:
            asked["doneMark"] = False
        if self._without_text and self.kind.says_token_ids:
            asked["returnTokenIds"] = True
        return {**load, **asked}

    # Start

    def start(self) -> None:
        """Until all serve. Copy k + 1 is started when copy k answers: engines that measure free memory at once disturb each other."""
        for index in range(self._launch.copies):
            if index > 0:
                self._make(index)
            elif self._launch.sharing == "mps":
                self._start_mps()
            instance = self.instances[index]
            instance.start()
            readiness = Readiness(
                self._watch, self._launch, instance, lambda phase: self.failure(phase), lambda said: self._refused(said)
            )
            readiness.wait()
            self._models[index] = readiness.model
            self._without_text = self._without_text or readiness.without_text
            self._note_of(instance, readiness.model)
        if self._mps is not None:
            self._check_clients(self._mps)

    def _make(self, index: int) -> None:
        launch, log = self._launch, self._logs[index]
        extra = self._mps.engine_environment() if self._mps is not None else None
        made: Instance
        if launch.endpoint is not None:
            made = EndpointInstance(self._folder, launch)
        elif launch.container is not None:
            made = ContainerInstance(self._folder, launch, index, log, self._watch, extra)
        else:
            made = Instance(self._folder, launch, index, log, extra)
        self.instances[index:] = [made]

    def _start_mps(self) -> None:
        self._mps = Mps(self._folder, self._launch.gpus, self._launch.mps)
        self._mps.start(self._watch)
        self._make(0)

    def _check_clients(self, mps: Mps) -> None:
        found = mps.clients(self._watch)
        if found < len(self.instances):
            self.notes.append(
                f"MPS counts {found} clients of {len(self.instances)} engines: those that it does not count share the GPU by time slices."
            )

    def _note_of(self, instance: Instance, model: str) -> None:
        applied = instance.applied_command()
        if applied_differently(instance.planned_arguments(), applied):
            said = " ".join(applied or [])
            self.notes.append(f"The engine's process runs another command line than the plan's: {said}")
        if model != self._launch.model:
            self.notes.append(f"The engine calls the model {model}; the plan {self._launch.model}.")

    def instances_record(self) -> List[dict]:
        """`instances` of an `engine-ready` record."""
        return [
            {
                "index": instance.index,
                "pid": instance.pid,
                "gpus": instance.gpus,
                "version": instance.version or self._logged_version(instance),
                "log": instance.log,
                "steps": instance.steps,
            }
            for instance in self.instances
        ]

    def _logged_version(self, instance: Instance) -> Optional[str]:
        pattern = self.kind.version_pattern
        if pattern is None:
            return None
        matches = (re.search(pattern, line) for line in instance.log_lines())
        return next((match.group(1) for match in matches if match), None)

    # State

    def _keep_logs(self) -> None:
        for instance in self.instances:
            instance.keep_log()

    @property
    def started(self) -> bool:
        """Whether there ever was a process."""
        return any(instance.started for instance in self.instances)

    def ended(self) -> Optional[str]:
        """How the first copy that ended did (`with exit code 1`, `by SIGKILL`); None while all run."""
        return next((how for how in (instance.ended() for instance in self.instances) if how is not None), None)

    def failure(self, phase: str) -> EngineFailed:
        """Why it did not start, or did not live."""
        instance = self._failed_instance()
        if self._launch.endpoint is not None:
            return EngineFailed(phase, self._cleaned(endpoint_silent(self._launch, phase), instance))
        causes: Sequence[Cause] = self.kind.causes
        if self._launch.container is not None:
            causes = (*RUNTIME_CAUSES, *causes)
        if phase not in ("start", "ready"):
            causes = [cause for cause in causes if cause.kind in CAUSES_UNDER_LOAD]
        kills = kills_of_memory()
        starved = kills is not None and self._kills is not None and kills > self._kills
        found = diagnose(instance.log_lines(), causes, instance.ended(), self.kind.phases, starved)
        return EngineFailed(phase, self._cleaned(found, instance))

    def _failed_instance(self) -> Instance:
        """The one that ended; while all run, the one that was started last."""
        ended = [instance for instance in self.instances if instance.ended() is not None]
        return ended[0] if ended else self.instances[-1]

    def _cleaned(self, found: Diagnosis, instance: Instance) -> Diagnosis:
        return found._replace(
            message=instance.clean(found.message),
            excerpt=[instance.clean(line) for line in found.excerpt],
            instance=instance.index if self._launch.copies > 1 else None,
        )

    def log_tail(self) -> List[str]:
        instance = self._failed_instance()
        return [instance.clean(line) for line in diagnose(instance.log_lines(), (), None).excerpt]

    def _refused(self, message: str) -> EngineFailed:
        """It answers, and not as it should. One that loads its model with the first request says in its log why it did not."""
        instance = self.instances[-1]
        found = diagnose(instance.log_lines(), self.kind.causes, "", self.kind.phases)
        if found.kind == "timeout":
            found = found._replace(kind="refused", message=message)
        else:
            found = found._replace(message=f"{message} Its log: {found.message}")
        return EngineFailed("ready", self._cleaned(found, instance))

    # Stop

    def stop(self) -> str:
        """Ends all groups, then whatever left them. Returns the signal that did it, or `none` where all had ended by themselves."""
        used = "none"
        for number, seconds in self.kind.stopping:
            running = [instance for instance in self.instances if instance.running()]
            if not running:
                break
            used = number.name
            for instance in running:
                instance.send(number)
            end = time.monotonic() + seconds
            while any(instance.running() for instance in running) and time.monotonic() < end:
                time.sleep(0.02)
        if self._mps is not None:
            self._mps.stop()
        for instance in self.instances:
            instance.clear_away()
        kill_leftovers(self._folder.run, self._folder.home, [])
        remove_sockets(self._folder)
        if self._keep_logs in self._watch.others:
            self._watch.others.remove(self._keep_logs)
        for instance in self.instances:
            instance.close_log()
        if self._mps is not None:
            self._mps.clear_away()
        stuck = next((instance for instance in self.instances if instance.running()), None)
        if stuck is not None:
            raise AgentError(
                "stuck",
                f"The engine (process {stuck.pid}) does not end even when killed; a driver that hangs does that. See `dmesg`.",
            )
        return used
