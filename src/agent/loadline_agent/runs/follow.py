"""The `follow` verb: sends a run's files from the offsets that the client holds, then what is added to them.

Only whole lines of the .jsonl files are sent: a torn one is cut off at resume, and what a client holds does not change then.
Where this host's disk has lost what a client holds, its copy is not that of a file here: it is told, and sent all of it.
"""

import base64
import os
import re
import time
import zlib
from typing import Dict, Iterator, List, Tuple

from ..clock import wall_ms
from ..wire import emit, stdin_closed
from .folder import RunFolder
from .journal import complete_size
from .slurm.queue import Queue
from .slurm.tasks import TaskFolder, wire_name

#: In the order in which they are sent: what explains the others first.
FILES = ("plan.yaml", "environment.json", "journal.jsonl", "telemetry.jsonl", "metrics.jsonl")
ENGINE_LOG = re.compile(r"engine-[A-Za-z0-9._-]+\.log\Z")
JOB_LOG = re.compile(r"slurm-\d+\.log\Z")

CHUNK_BYTES = 256 << 10

#: Of these last bytes a client says the CRC-32, to show that it holds the same. In src/remote/fileCopy.ts, too.
CHECKED_BYTES = 4096

POLL_SECONDS = 0.1
HEARTBEAT_SECONDS = 1.0


def follow_run(request: dict) -> None:
    folder = RunFolder.find(request["run"])
    state_now = Queue(folder).state if folder.request().get("scheduler") else folder.state
    offsets = dict(request["offsets"])
    for name in lost_files(folder, offsets, request.get("checks") or {}):
        emit({"type": "rewind", "file": name})
        offsets[name] = 0
    heartbeat = 0.0
    while True:
        # The state first: what was written before a run ended is then in the files that are read after it.
        state = state_now()
        now = time.monotonic()
        if now >= heartbeat:
            heartbeat = now + HEARTBEAT_SECONDS
            if state == "running":
                folder.renew_lease()
            emit({"type": "heartbeat", "state": state, "wallMs": wall_ms()})
        sent = send_growth(folder, offsets)
        if sent:
            if stdin_closed(0):
                return
            continue
        if state != "running":
            emit(last_word(folder, state))
            return
        if stdin_closed(POLL_SECONDS):
            return


def lost_files(folder: RunFolder, offsets: Dict[str, int], checks: Dict[str, int]) -> Iterator[str]:
    """Files whose copies are not what stands here."""
    for name, path in followed_files(folder):
        offset = offsets.get(name, 0)
        if offset == 0:
            continue
        size, found = check_before(path, offset)
        if offset > size or (name in checks and found != checks[name]):
            yield name


def check_before(path: str, offset: int) -> Tuple[int, int]:
    """The file's size, and CRC-32 of the last CHECKED_BYTES before an offset."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return 0, 0
    try:
        start = max(0, offset - CHECKED_BYTES)
        return os.fstat(descriptor).st_size, zlib.crc32(os.pread(descriptor, offset - start, start))
    finally:
        os.close(descriptor)


def last_word(folder: RunFolder, state: str) -> dict:
    """A run that a full disk ended says so here, as its journal could not."""
    notice = folder.notice() if state == "interrupted" else None
    return notice or {"type": "follow-end", "state": state}


def send_growth(folder: RunFolder, offsets: Dict[str, int]) -> bool:
    """At most one chunk a file, so that none holds up the others. True if there was any."""
    sent = False
    for name, path in followed_files(folder):
        data = read_growth(path, name, offsets.get(name, 0))
        if data:
            packed = base64.b64encode(zlib.compress(data)).decode("ascii")
            offset = offsets.get(name, 0)
            emit({"type": "chunk", "file": name, "offset": offset, "bytes": len(data), "data": packed})
            offsets[name] = offset + len(data)
            sent = True
    return sent


def followed_files(folder: RunFolder) -> List[Tuple[str, str]]:
    """(name for the client, path)."""
    names = os.listdir(folder.path)
    logs = sorted(name for name in names if ENGINE_LOG.match(name) or JOB_LOG.match(name))
    found = [(name, folder.file(name)) for name in [*FILES, *logs]]
    for task in TaskFolder.all_of(folder):
        own = [(wire_name(task.task, name), task.file(name)) for name in sorted(os.listdir(task.path))]
        found += [(name, path) for name, path in own if name is not None]
    return found


def read_growth(path: str, name: str, offset: int) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return b""
    try:
        size = os.fstat(descriptor).st_size
        end = complete_size(descriptor, size) if name.endswith(".jsonl") and size > offset else size
        if end <= offset:
            return b""
        # What a client holds must be here after a crash of this host, too: it goes on from its offset.
        os.fsync(descriptor)
        return os.pread(descriptor, min(CHUNK_BYTES, end - offset), offset)
    finally:
        os.close(descriptor)
