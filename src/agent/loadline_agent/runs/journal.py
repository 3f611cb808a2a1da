"""journal.jsonl: append-only, one write and one fsync a record, sequence numbers without gaps over resumes."""

import json
import os
from typing import Iterator, List, Optional, Tuple

from ..clock import monotonic_ms, wall_ms
from ..errors import AgentError, raise_if_full
from ..wire import encode

FILE = "journal.jsonl"


class Journal:
    def __init__(self, directory: str) -> None:
        self.path = os.path.join(directory, FILE)
        self.torn_bytes = cut_torn_line(self.path)
        self._next = next_seq(self.path)
        try:
            self._descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        except OSError as error:
            raise_if_full(error, self.path)
            raise

    @property
    def has_records(self) -> bool:
        return self._next > 0

    def append(self, record_type: str, **fields: object) -> None:
        record = {"seq": self._next, "monotonicMs": monotonic_ms(), "wallMs": wall_ms(), "type": record_type}
        record.update(fields)
        append_line(self._descriptor, encode(record), self.path)
        self._next += 1

    def close(self) -> None:
        os.close(self._descriptor)


def append_line(descriptor: int, line: bytes, path: str, durable: bool = True) -> None:
    """The whole line or none of it: what a full disk took of it is cut off again."""
    before = os.fstat(descriptor).st_size
    try:
        written = os.write(descriptor, line)
        if written < len(line):
            # The rest tells why the disk took no more; if it fits after all, nothing is lost.
            while written < len(line):
                written += os.write(descriptor, line[written:])
        if durable:
            os.fsync(descriptor)
    except OSError as error:
        os.ftruncate(descriptor, before)
        raise_if_full(error, path)
        raise


def cut_torn_line(path: str) -> int:
    """Cuts off a last line without its newline (a machine that stopped in mid-write). Returns how many bytes that were."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        return 0
    try:
        size = os.fstat(descriptor).st_size
        whole = complete_size(descriptor, size)
        if whole < size:
            os.ftruncate(descriptor, whole)
        return size - whole
    finally:
        os.close(descriptor)


def complete_size(descriptor: int, size: int) -> int:
    """Bytes up to and with the last newline."""
    position = size
    while position > 0:
        start = max(0, position - 65536)
        newline = os.pread(descriptor, position - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        position = start
    return 0


def last_line(path: str) -> Optional[dict]:
    """The last complete record of a JSON lines file; None where there is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    try:
        whole = complete_size(descriptor, os.fstat(descriptor).st_size)
        if whole == 0:
            return None
        start = complete_size(descriptor, whole - 1)
        return parse_line(os.pread(descriptor, whole - start, start), path)
    finally:
        os.close(descriptor)


def next_seq(path: str) -> int:
    last = last_line(path)
    return last["seq"] + 1 if last else 0


def parse_line(line: bytes, path: str) -> dict:
    try:
        return json.loads(line.decode("utf-8"))
    except ValueError as error:
        raise AgentError(
            "journal-damaged",
            f"{path} has a line that is not JSON ({error}). It was changed from outside; the run cannot go on from it.",
        ) from error


def records(directory: str) -> Iterator[dict]:
    """All complete records, oldest first."""
    path = os.path.join(directory, FILE)
    try:
        file = open(path, "rb")
    except FileNotFoundError:
        return
    with file:
        for line in file:
            if line.endswith(b"\n"):
                yield parse_line(line, path)


class JournalTail:
    """Complete records as they are added, each once."""

    def __init__(self, directory: str) -> None:
        self._path = os.path.join(directory, FILE)
        self._offset = 0

    def new_records(self) -> Iterator[dict]:
        try:
            file = open(self._path, "rb")
        except FileNotFoundError:
            return
        with file:
            file.seek(self._offset)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                self._offset += len(line)
                yield parse_line(line, self._path)


class Progress:
    """What a journal says has been done, for resume."""

    def __init__(self, directory: str, cells: List[dict]) -> None:
        self.settled = set()
        self.measured = set()
        self.engine_failures: List[Tuple[str, dict]] = []
        self.last: Optional[dict] = None
        #: Of the boot that the last attempt ran in.
        self.boot_id: Optional[str] = None
        keys = {cell["id"]: cell["engineKey"] for cell in cells}
        for record in records(directory):
            self.last = record
            kind = record["type"]
            if kind in ("run-started", "run-resumed"):
                self.boot_id = record["bootId"]
            if kind in ("cell-done", "cell-failed", "cell-passed-over"):
                self.settled.add(record["cell"])
            if kind == "trial-measured":
                self.measured.add((record["cell"], record["trial"]))
            if kind == "cell-failed" and record["phase"] in ("start", "ready"):
                self.engine_failures.append((keys.get(record["cell"], ""), record))

    @property
    def finished(self) -> bool:
        return self.last is not None and self.last["type"] == "run-finished"
