"""One engine that answers: a process that is started here, or one that somebody else runs."""

import os
import secrets
import signal
import socket
import subprocess
from typing import Dict, List, Optional

from ..engines.failure import Diagnosis
from ..processes import HOME_MARK, RUN_MARK, default_signals, die_with, group_members, identity, signal_group
from .engine_log import EngineLog
from .folder import RunFolder
from .http import Address
from .launch import Launch, start_directory
from .secret_values import Secrets, secrets_given, secrets_of_host
from .sockets import note_sockets

LOOPBACK = "127.0.0.1"


class EngineFailed(Exception):
    """`phase` is `start` before the engine answered, `ready` after."""

    def __init__(self, phase: str, diagnosis: Diagnosis) -> None:
        super().__init__(diagnosis.message)
        self.phase = phase
        self.diagnosis = diagnosis


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return probe.getsockname()[1]


class Instance:
    """A process in a group of its own, bound to loopback, with its own port, key and log."""

    def __init__(
        self, folder: RunFolder, launch: Launch, index: int, log: str, extra_environment: Optional[Dict[str, str]] = None
    ) -> None:
        self.index = index
        self.log = log
        self.gpus = launch.gpus
        self.version: Optional[str] = None
        #: Seconds from the start to each of the three steps.
        self.steps: Dict[str, float] = {}
        self._folder = folder
        self._launch = launch
        self._extra = extra_environment or {}
        key = secrets.token_hex(16) if launch.kind.key_variable else None
        self.address = Address(LOOPBACK, free_port(), key)
        given = secrets_given(launch.argv, launch.environment)
        self._secrets = Secrets([key or "", *given, *secrets_of_host(dict(os.environ))])
        self._process: Optional[subprocess.Popen] = None
        self._output: Optional[EngineLog] = None
        self._words = self.words()
        #: What is started, fit to be told.
        self.command = [self.clean(word) for word in self._words]

    # What is started

    def words(self) -> List[str]:
        launch, port = self._launch, self.address.port
        if launch.simulated:
            # It has its address from --port alone: it binds 127.0.0.1 and nothing else.
            return [*launch.argv, "--port", str(port)]
        return self.told(LOOPBACK, port)

    def told(self, host: str, port: int) -> List[str]:
        """The engine's command with its address: by its own options, or where the plan's command says so."""
        kind = self._launch.kind
        words = self._launch.argv
        if kind.name == "command":
            words = [word.replace("{host}", host).replace("{port}", str(port)) for word in words]
        return [*words, *kind.arguments(host, port)]

    def _host_environment(self) -> Dict[str, str]:
        return {name: value for name, value in os.environ.items() if name not in self._launch.kind.withheld}

    def engine_environment(self) -> Dict[str, str]:
        """What the engine is given beside the host's own environment."""
        launch = self._launch
        told = {} if launch.simulated else launch.kind.variables(LOOPBACK, self.address.port)
        # The GPUs last: locks and telemetry are of those, whatever a plan says.
        given = {"PYTHONUNBUFFERED": "1", **told, **launch.environment, **self.visible_gpus()}
        if launch.kind.key_variable and self.address.api_key:
            given[launch.kind.key_variable] = self.address.api_key
        return {**given, **self._extra, RUN_MARK: self._folder.run, HOME_MARK: self._folder.home}

    def visible_gpus(self) -> Dict[str, str]:
        if not self.gpus:
            return {}
        return {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": ",".join(map(str, self.gpus))}

    # Start

    def start(self) -> None:
        log = self._output = EngineLog(self._folder.file(self.log), self._secrets)
        worker = os.getpid()
        if self._launch.kind.socket_prefix is not None:
            note_sockets(self._folder, self._launch.kind.socket_prefix(self.address.port))

        def in_child() -> None:
            default_signals()
            die_with(worker)

        try:
            self._process = subprocess.Popen(
                self._words,
                stdin=subprocess.DEVNULL,
                stdout=log.output,
                stderr=log.output,
                cwd=start_directory(),
                env={**self._host_environment(), **self.engine_environment()},
                start_new_session=True,
                preexec_fn=in_child,
            )
        except FileNotFoundError:
            raise self.not_started("not-found", self._not_found()) from None
        except PermissionError:
            raise self.not_started("not-found", f"{self.command[0]} may not be executed on this host.") from None
        except OSError as error:
            raise self.not_started("refused", f"{self.command[0]} cannot be started: {error.strerror}.") from error
        finally:
            log.started()
        name = "engine" if self.index == 0 else f"engine-{self.index}"
        self._folder.note_processes(**{name: identity(self._process.pid)})

    def not_started(self, kind: str, message: str) -> EngineFailed:
        return EngineFailed("start", Diagnosis(kind, self.clean(message), []))

    def _not_found(self) -> str:
        path = os.environ.get("PATH", "")
        return f"There is no `{self.command[0]}` on this host (PATH: {path}). Give its full path in the plan's launch command."

    # State

    @property
    def started(self) -> bool:
        """Whether there ever was a process."""
        return self._process is not None

    @property
    def pid(self) -> Optional[int]:
        return self._process.pid if self._process else None

    def ended(self) -> Optional[str]:
        """How the process ended (`with exit code 1`, `by SIGKILL`); None while it runs."""
        code = self._process.poll() if self._process else 0
        if code is None:
            return None
        return f"with exit code {code}" if code >= 0 else f"by {signal.Signals(-code).name}"

    def log_lines(self) -> List[str]:
        """Of this start only: the file may hold earlier ones."""
        return self._output.lines() if self._output else []

    def keep_log(self) -> None:
        """While it runs."""
        if self._output is not None:
            self._output.keep()

    def clean(self, text: str) -> str:
        return self._secrets.clean(text)

    def planned_arguments(self) -> List[str]:
        """What the engine's own process is to be given, fit to be told."""
        return self.command[1:]

    def applied_command(self) -> Optional[List[str]]:
        """What /proc says that the process runs, fit to be told; None where that is not known."""
        words = command_of(self.pid)
        return None if words is None else [self.clean(word) for word in words]

    # Stop

    def running(self) -> bool:
        """Whether anything of its group is still there."""
        return self._process is not None and (self.ended() is None or bool(group_members(self._process.pid)))

    def send(self, number: signal.Signals) -> None:
        if self._process is not None:
            signal_group(self._process.pid, number)

    def clear_away(self) -> None:
        """What a stop leaves beside processes: nothing here."""

    def close_log(self) -> None:
        """After everything that may print to it has ended."""
        if self._output is not None:
            self._output.close()


def command_of(pid: Optional[int]) -> Optional[List[str]]:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read().decode("utf-8", "replace").split("\0")
    except OSError:
        return None
    return words[:-1] if words and not words[-1] else words


def applied_differently(arguments: List[str], applied: Optional[List[str]]) -> bool:
    """Whether a process runs other arguments than were given: a wrapper that changed them. What stands before them (an
    interpreter, the program's path, an image's entry point) is no difference; a single word is a title that it gave itself."""
    return applied is not None and len(applied) > 1 and bool(arguments) and applied[-len(arguments) :] != arguments
