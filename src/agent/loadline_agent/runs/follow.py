"""The `follow` verb: sends a run's files from the offsets that the client holds, then what is added to them.

Only whole lines of the .jsonl files are sent: a torn one is cut off at resume, and what a client holds must never change.
"""

import base64
import os
import re
import time
import zlib
from typing import Dict, List

from ..clock import wall_ms
from ..errors import BadRequest
from ..wire import emit, stdin_closed
from .folder import RunFolder
from .journal import complete_size

#: In the order in which they are sent: what explains the others first.
FILES = ("plan.yaml", "environment.json", "journal.jsonl", "telemetry.jsonl", "metrics.jsonl")
ENGINE_LOG = re.compile(r"engine-[A-Za-z0-9._-]+\.log\Z")

CHUNK_BYTES = 256 << 10
POLL_SECONDS = 0.1
HEARTBEAT_SECONDS = 1.0


def follow_run(request: dict) -> None:
    folder = RunFolder.find(request["run"])
    offsets = dict(request["offsets"])
    heartbeat = 0.0
    while True:
        # The state first: what was written before a run ended is then in the files that are read after it.
        state = folder.state()
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


def last_word(folder: RunFolder, state: str) -> dict:
    """A run that a full disk ended says so here, as its journal could not."""
    notice = folder.notice() if state == "interrupted" else None
    return notice or {"type": "follow-end", "state": state}


def send_growth(folder: RunFolder, offsets: Dict[str, int]) -> bool:
    """At most one chunk a file, so that none holds up the others. True if there was any."""
    sent = False
    for name in followed_files(folder):
        data = read_growth(folder, name, offsets.get(name, 0))
        if data:
            packed = base64.b64encode(zlib.compress(data)).decode("ascii")
            offset = offsets.get(name, 0)
            emit({"type": "chunk", "file": name, "offset": offset, "bytes": len(data), "data": packed})
            offsets[name] = offset + len(data)
            sent = True
    return sent


def followed_files(folder: RunFolder) -> List[str]:
    logs = sorted(name for name in os.listdir(folder.path) if ENGINE_LOG.match(name))
    return [*FILES, *logs]


def read_growth(folder: RunFolder, name: str, offset: int) -> bytes:
    try:
        descriptor = os.open(folder.file(name), os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return b""
    try:
        size = os.fstat(descriptor).st_size
        end = complete_size(descriptor, size) if name.endswith(".jsonl") and size > offset else size
        if offset > size:
            raise BadRequest(
                f"{name} has {size} bytes on this host, the client's copy {offset}: that is of another run of this name, or this host's disk lost some of it. Move the copy away and follow again."
            )
        if end <= offset:
            return b""
        # What a client holds must be here after a crash of this host, too: it goes on from its offset.
        os.fsync(descriptor)
        return os.pread(descriptor, min(CHUNK_BYTES, end - offset), offset)
    finally:
        os.close(descriptor)
