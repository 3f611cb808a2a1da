"""One trial's load, driven from a process of its own: nothing that the worker does may delay the load generator's loop."""

import json
import os
import signal
import time
import traceback
from typing import Callable, List, Optional

from ..loadgen.profile import BadProfile
from ..loadgen.drive import LoadError
from ..loadgen.runner import run_load
from ..loadgen.sizing import as_the_server_takes_it
from ..loadgen.targets import Target, target_of_url
from ..processes import default_signals, die_with, signal_if_there
from .watch import Watch

#: Progress records are for people; more often would be read by nobody.
PROGRESS_SECONDS = 0.5

#: A deadline is the load generator's to keep; this long after it, it is ended.
GRACE_SECONDS = 5.0


#: How long an engine may take from closing its connections to being gone.
ENDING_SECONDS = 2.0

#: Failures of requests whose server has gone.
CUT_OFF = ("connect", "incomplete-stream")


class LoadFailed(Exception):
    def __init__(self, kind: str, phase: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.phase = phase
        self.message = message


class GeneratorGone(LoadFailed):
    """The load generator ended without a word, as one that was killed does."""


class EngineGone(Exception):
    """The engine ended under load; `phase` is where."""

    def __init__(self, phase: str) -> None:
        super().__init__(phase)
        self.phase = phase


def measure(
    watch: Watch,
    targets: List[dict],
    profile: dict,
    deadline: float,
    on_progress: Callable[[str, int, int], None],
    engine_ended: Callable[[], Optional[str]],
) -> dict:
    """A TrialMeasurement. `targets`: host, port (or url, which may say https and a path), api_key and model of each copy of
    the engine; traffic is split evenly."""
    reading, writing = os.pipe()
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        os.close(reading)
        generate(parent, writing, targets, profile, deadline)
    os.close(writing)
    phase = "warm-up" if profile["warmupRequests"] else "load"
    received = b""
    try:
        while True:
            if time.monotonic() > deadline + GRACE_SECONDS:
                raise LoadFailed("timeout", phase, "The cell was ended: it did not come to an end by its deadline.")
            if engine_ended() is not None:
                raise EngineGone(phase)
            if not watch.wait(1.0, readable=[reading]):
                continue
            part = os.read(reading, 1 << 16)
            if not part:
                raise GeneratorGone(
                    "load", phase, "The load generator ended without a result; see supervisor.log of the run."
                )
            received += part
            if b"\n" not in part:
                continue
            *lines, received = received.split(b"\n")
            for line in lines:
                said = json.loads(line.decode())
                if "progress" in said:
                    phase = said["progress"][0]
                    on_progress(*said["progress"])
                # What was measured while the engine died measures its death.
                elif engine_ended() is not None or (is_broken(said) and ends_now(watch, engine_ended)):
                    raise EngineGone(phase)
                elif "error" in said:
                    raise LoadFailed(*said["error"])
                else:
                    return said["measurement"]
    finally:
        os.close(reading)
        signal_if_there(child, signal.SIGKILL)
        os.waitpid(child, 0)


def is_broken(said: dict) -> bool:
    """Whether a load had answers cut off, as those of an engine that ended are."""
    if "error" in said:
        return said["error"][0] == "load"
    return any(kind in CUT_OFF for kind in said["measurement"]["requests"]["failure"])


def ends_now(watch: Watch, engine_ended: Callable[[], Optional[str]]) -> bool:
    """The connections of a process are closed a moment before it counts as ended."""
    end = time.monotonic() + ENDING_SECONDS
    while engine_ended() is None and time.monotonic() < end:
        watch.wait(0.02)
    return engine_ended() is not None


def target_of(record: dict) -> Target:
    """Raises BadProfile."""
    if "url" in record:
        return target_of_url(record["url"], record["api_key"])
    return Target(record["host"], record["port"], record["api_key"])


def generate(parent: int, writing: int, targets: List[dict], profile: dict, deadline: float) -> None:
    """In the child; never returns."""
    status = 1
    try:
        default_signals()
        die_with(parent)
        said_at, said_phase = 0.0, ""

        def say(record: dict) -> None:
            data = json.dumps(record, separators=(",", ":"), allow_nan=False).encode() + b"\n"
            while data:
                data = data[os.write(writing, data) :]

        def progress(phase: str, completed: int, total: int) -> None:
            nonlocal said_at, said_phase
            now = time.monotonic()
            if phase != said_phase or completed == total or now - said_at >= PROGRESS_SECONDS:
                said_at, said_phase = now, phase
                say({"progress": [phase, completed, total]})

        try:
            copies, model = [target_of(record) for record in targets], targets[0]["model"]
            say(
                {
                    "measurement": run_load(
                        copies,
                        model,
                        as_the_server_takes_it(copies[0], model, profile),
                        progress,
                        lambda: False,
                        deadline,
                    )
                }
            )
        except LoadError as error:
            say({"error": [error.kind, error.phase, str(error)]})
        except BadProfile as error:
            say({"error": ["bad-profile", "warm-up", str(error)]})
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)
