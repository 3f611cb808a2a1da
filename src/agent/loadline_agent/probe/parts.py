"""Parts of a probe, side by side, each within its time."""

import shutil
import subprocess
import threading
import time
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from ..errors import AgentError


class PartFailed(Exception):
    """The text says why, for people."""


class Part(NamedTuple):
    name: str
    seconds: float
    find: Callable[[], Dict[str, Any]]


def find_all(parts: Sequence[Part]) -> Tuple[Dict[str, Any], List[dict]]:
    """(fields of ProbeRecord, ProbeProblem). A part that hangs is left behind: its thread ends with the process."""
    found: Dict[str, Dict[str, Any]] = {}
    failed: Dict[str, str] = {}

    def run(part: Part) -> None:
        try:
            found[part.name] = part.find()
        except (PartFailed, AgentError) as error:
            failed[part.name] = str(error)
        except Exception as error:
            failed[part.name] = f"{type(error).__name__}: {error}"

    began = time.monotonic()
    threads = [threading.Thread(target=run, args=(part,), name=part.name, daemon=True) for part in parts]
    for thread in threads:
        thread.start()
    for part, thread in zip(parts, threads):
        thread.join(max(0.0, began + part.seconds - time.monotonic()))
        if thread.is_alive():
            failed.setdefault(part.name, f"not known after {part.seconds:g} s")
    fields: Dict[str, Any] = {}
    for part in parts:
        if part.name not in failed:
            fields.update(found[part.name])
    return fields, [{"part": part.name, "message": failed[part.name]} for part in parts if part.name in failed]


def run_command(argv: Sequence[str], seconds: float, environment: Optional[Dict[str, str]] = None) -> str:
    """What a command that only reads prints: stdout, or stderr where that is empty. Raises PartFailed."""
    try:
        done = subprocess.run(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=seconds,
            env=environment,
        )
    except subprocess.TimeoutExpired:
        raise PartFailed(f"`{' '.join(argv[:2])}` did not answer within {seconds:g} s") from None
    except OSError as error:
        raise PartFailed(f"{argv[0]}: {error.strerror}") from None
    said = done.stderr.decode("utf-8", "replace").strip()
    if done.returncode != 0:
        last = said.splitlines()[-1][:300] if said else "it said nothing"
        raise PartFailed(f"`{' '.join(argv[:2])}` failed with exit status {done.returncode}: {last}")
    return done.stdout.decode("utf-8", "replace") or said


def is_there(command: str) -> bool:
    return shutil.which(command) is not None
