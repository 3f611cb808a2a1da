"""The engine of a cell: started in a group of its own, waited for until it serves, stopped with all that it started."""

import hashlib
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from typing import Any, Dict, Iterator, List, NamedTuple, Optional

from .. import ROOT
from ..engines import engine_named
from ..engines.failure import Diagnosis, diagnose
from ..errors import AgentError, raise_if_full
from ..processes import (
    HOME_MARK,
    RUN_MARK,
    default_signals,
    die_with,
    group_members,
    identity,
    kill_leftovers,
    signal_group,
)
from ..requests import RUN_NAME
from .folder import RunFolder
from .http import request
from .watch import Watch

#: vLLM ends itself on SIGINT; what does not end gets the next one. (signal, seconds to wait after it)
STOPPING = ((signal.SIGINT, 15.0), (signal.SIGTERM, 5.0), (signal.SIGKILL, 10.0))

#: Often enough not to add to a measured start-up, rarely enough not to disturb it.
READY_POLL_SECONDS = 0.2

#: Names of variables and options whose values must not reach the journal. A token or a key ends its name:
#: `TOKENIZERS_PARALLELISM`, `max-num-batched-tokens` and `long-prefill-token-threshold` are no secrets.
SECRET_NAME = re.compile(r"(?:token|key)[_\d]*\Z|secret|passw(?:or)?d|passphrase|credential", re.I)

#: A shorter value is no secret, and would be found in every other line.
LEAST_SECRET = 4


class EngineFailed(Exception):
    """`phase` is `start` before the engine answered, `ready` after."""

    def __init__(self, phase: str, diagnosis: Diagnosis) -> None:
        super().__init__(diagnosis.message)
        self.phase = phase
        self.diagnosis = diagnosis


class Launch(NamedTuple):
    """What is the same of an engine whether it is real or simulated."""

    name: str
    model: str
    ready_seconds: float
    argv: List[str]
    environment: Dict[str, str]
    simulated: bool


def launch_of(cell: dict, folder: RunFolder, gpus: List[int]) -> Launch:
    engine = cell["engine"]
    if engine["kind"] == "command":
        visible = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": ",".join(map(str, gpus))} if gpus else {}
        environment = {**visible, **engine["environment"]}
        return Launch(
            engine["name"], engine["modelName"], engine["readyTimeoutSeconds"], engine["argv"], environment, False
        )
    file = f"simulated-{log_name(cell)}.json"
    folder.write_json(file, engine["parameters"])
    return Launch(
        # It answers, refuses and fails in the words of the engine that it stands for.
        "vllm",
        engine["parameters"]["modelName"],
        engine["readyTimeoutSeconds"],
        [sys.executable, ROOT, "simulated-engine"],
        {"LOADLINE_SIMULATED_ENGINE": folder.file(file)},
        True,
    )


def log_name(cell: dict) -> str:
    """The engine's key as part of a file name."""
    if RUN_NAME.match(cell["engineKey"]):
        return cell["engineKey"]
    return hashlib.sha256(cell["engineKey"].encode()).hexdigest()[:16]


def secret_arguments(argv: List[str]) -> List[str]:
    """Values whose names say that they are secret: `--api-key a b`, `--hf-token=c`, `env HF_TOKEN=d`."""
    found, follows = [], False
    for word in argv:
        name, assigned, value = word.partition("=")
        named = SECRET_NAME.search(name) is not None
        if word.startswith("-"):
            follows = named and not assigned
        if assigned and named:
            found.append(value)
        elif follows and not word.startswith("-"):
            found.append(word)
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Engine:
    """One started process and its group."""

    def __init__(self, folder: RunFolder, watch: Watch, key: str, launch: Launch, log: str) -> None:
        self.key = key
        self.model = launch.model
        self.simulated = launch.simulated
        self.port = free_port()
        self.api_key = secrets.token_hex(16)
        self.log = log
        self.version: Optional[str] = None
        self._folder = folder
        self._watch = watch
        self._launch = launch
        self._module: Any = engine_named(launch.name)
        # A simulated engine has its address from --port alone: it binds 127.0.0.1 and nothing else.
        following = ["--port", str(self.port)] if launch.simulated else self._module.arguments(self.port)
        self._command = [*launch.argv, *following]
        self._process: Optional[subprocess.Popen] = None
        self._log_start = 0
        given = [value for name, value in launch.environment.items() if SECRET_NAME.search(name)]
        given += secret_arguments(launch.argv)
        # The longest first: one may be a part of another.
        known = [value for value in [self.api_key, *given] if len(value) >= LEAST_SECRET]
        self._secrets = sorted(known, key=len, reverse=True)
        #: What is started, fit to be told.
        self.command = [self._clean(word) for word in self._command]

    # Start

    def start(self) -> None:
        path = self._folder.file(self.log)
        try:
            log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        except OSError as error:
            raise_if_full(error, path)
            raise
        worker, home = os.getpid(), os.path.expanduser("~")

        def in_child() -> None:
            default_signals()
            die_with(worker)

        try:
            self._log_start = os.fstat(log).st_size
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Where a command over SSH starts too: relative paths in a plan mean the same.
                cwd=home if os.path.isdir(home) else "/",
                env=self._environment(),
                start_new_session=True,
                preexec_fn=in_child,
            )
        except FileNotFoundError:
            raise EngineFailed("start", Diagnosis("not-found", self._not_found(), [])) from None
        except PermissionError:
            raise EngineFailed(
                "start", Diagnosis("not-found", f"{self.command[0]} may not be executed on this host.", [])
            ) from None
        except OSError as error:
            raise EngineFailed(
                "start", Diagnosis("refused", f"{self.command[0]} cannot be started: {error.strerror}.", [])
            ) from error
        finally:
            os.close(log)
        self._folder.note_processes(engine=identity(self._process.pid))

    def _environment(self) -> Dict[str, str]:
        return {
            **os.environ,
            "PYTHONUNBUFFERED": "1",
            **self._launch.environment,
            **self._module.environment(self.api_key),
            RUN_MARK: self._folder.run,
            HOME_MARK: self._folder.home,
        }

    def _not_found(self) -> str:
        path = os.environ.get("PATH", "")
        return f"There is no `{self.command[0]}` on this host (PATH: {path}). Give its full path in the plan's launch command."

    # Ready

    def wait_ready(self) -> None:
        """Process alive, /health, the model's name listed, one token generated: each may be the step that fails."""
        end = time.monotonic() + self._launch.ready_seconds
        phase = "start"
        while True:
            if self.ended() is not None:
                raise self.failure(phase)
            if time.monotonic() > end:
                raise self.failure(phase)
            health = request(self._watch, self.port, self.api_key, "/health", None, 5.0)
            if health is not None:
                phase = "ready"
                if health.status == 200 and self._serves(end):
                    return
            self._watch.wait(READY_POLL_SECONDS)

    def _serves(self, end: float) -> bool:
        models = request(self._watch, self.port, self.api_key, "/v1/models", None, 10.0)
        listed = models.json() if models and models.status == 200 else None
        data = listed.get("data") if isinstance(listed, dict) else None
        names = [model.get("id") for model in data if isinstance(model, dict)] if isinstance(data, list) else []
        if not names:
            return False
        if self.model not in names:
            message = f"The engine serves {', '.join(map(str, names))}, not {self.model}: the plan's model and --served-model-name differ."
            raise self._refused(message)
        # The first request may compile: it has all the time that is left.
        body = {"model": self.model, "prompt": [1, 2, 3, 4], "max_tokens": 1}
        first = request(self._watch, self.port, self.api_key, "/v1/completions", body, end - time.monotonic())
        if first is not None and first.status != 200:
            said = first.body.decode("utf-8", "replace")[:400]
            raise self._refused(f"The engine answered its first request with {first.status}: {said}")
        if first is None:
            return False
        self._ask_version()
        return True

    def _ask_version(self) -> None:
        answer = request(self._watch, self.port, self.api_key, "/version", None, 5.0)
        said = answer.json() if answer and answer.status == 200 else None
        version = said.get("version") if isinstance(said, dict) else None
        self.version = version if isinstance(version, str) else None

    # State

    @property
    def started(self) -> bool:
        """Whether there ever was a process."""
        return self._process is not None

    def ended(self) -> Optional[str]:
        """How the process ended (`with exit code 1`, `by SIGKILL`); None while it runs."""
        code = self._process.poll() if self._process else 0
        if code is None:
            return None
        return f"with exit code {code}" if code >= 0 else f"by {signal.Signals(-code).name}"

    def failure(self, phase: str) -> EngineFailed:
        """Why it did not start, or did not live."""
        causes = self._module.CAUSES
        if phase not in ("start", "ready"):
            # It did start: what its log said of the configuration before is not what ended it.
            causes = [cause for cause in causes if cause.kind == "out-of-memory"]
        found = diagnose(self._log_lines(), causes, self.ended())
        return EngineFailed(
            phase, Diagnosis(found.kind, self._clean(found.message), [self._clean(line) for line in found.excerpt])
        )

    def log_tail(self) -> List[str]:
        return [self._clean(line) for line in diagnose(self._log_lines(), (), None).excerpt]

    def _refused(self, message: str) -> EngineFailed:
        return EngineFailed("ready", Diagnosis("refused", self._clean(message), self.log_tail()))

    def _log_lines(self) -> Iterator[str]:
        """Of this start only: the file may hold earlier ones."""
        with open(self._folder.file(self.log), encoding="utf-8", errors="replace") as file:
            file.seek(self._log_start)
            yield from file

    def _clean(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "[secret]")
        return text

    # Stop

    def stop(self) -> str:
        """Ends the group, then whatever left it. Returns the signal that did it, or `none` where it had ended by itself."""
        if self._process is None:
            return "none"
        group, used = self._process.pid, "none"
        for number, seconds in STOPPING:
            if not self._running(group):
                break
            used = number.name
            signal_group(group, number)
            end = time.monotonic() + seconds
            while self._running(group) and time.monotonic() < end:
                time.sleep(0.02)
        kill_leftovers(self._folder.run, self._folder.home, None)
        if self._running(group):
            raise AgentError(
                "stuck",
                f"The engine (process {group}) does not end even when killed; a driver that hangs does that. See `dmesg`.",
            )
        return used

    def _running(self, group: int) -> bool:
        return self.ended() is None or bool(group_members(group))
