"""telemetry.jsonl of a run, written by a process of its own from the first engine's start to the last one's end."""

import json
import os
import select
import threading
from typing import List, Optional

from ..sampling.verb import WATCH_SECONDS, ControlLines, SamplingThread
from ..wire import encode
from .folder import RunFolder
from .journal import append_line, cut_torn_line, parse_line
from .recorder import Recorder

FILE = "telemetry.jsonl"
STOP_SECONDS = 4


class Telemetry(Recorder):
    def __init__(self, folder: RunFolder, request: dict, gpus: List[int]) -> None:
        path = folder.file(FILE)
        super().__init__(
            path,
            "Telemetry ended before the run did; see supervisor.log of the run.",
            lambda stop: append_samples(path, request, gpus, stop),
        )

    def mark(self, text: str) -> None:
        """A cell starts or ends: the energy counters are read then."""
        self.tell(json.dumps({"mark": text}).encode() + b"\n")


def append_samples(path: str, request: dict, gpus: List[int], stop: int) -> None:
    """Until `stop` is closed. A line of text on it is a mark."""
    cut_torn_line(path)
    last = last_of_stream(path)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    writing = threading.Lock()

    def write(line: dict) -> None:
        # No fsync a line: a machine that stops loses a second of telemetry, never a result.
        with writing:
            append_line(descriptor, encode(line), path, durable=False)

    thread = SamplingThread(request, gpus or None, write, last)
    control = ControlLines(stop, b"", lambda *_: None, thread.mark)
    while True:
        readable = select.select([stop, thread.done], [], [], WATCH_SECONDS)[0]
        if thread.done in readable or (stop in readable and not control.read()):
            break
        thread.watch()
    thread.stop()
    thread.join(STOP_SECONDS)
    os.close(descriptor)


#: Enough for what may follow a record of a tick.
TAIL_BYTES = 1 << 20

#: Lines that tell nothing of where the ticks of a stream stand.
EVENTS = ("mark", "notice", "energy", "power", "processes", "ecc")


def last_of_stream(path: str) -> Optional[dict]:
    """The last header, record or gap; None where there is none."""
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            start = max(0, size - TAIL_BYTES)
            file.seek(start)
            lines = file.read().split(b"\n")
    except FileNotFoundError:
        return None
    for line in reversed(lines[1 if start else 0 :]):
        if line and (last := parse_line(line, path))["type"] not in [f"telemetry-{event}" for event in EVENTS]:
            return last
    return None
