"""Sockets that an engine leaves in /tmp when it ends: noted before it starts, removed after it, or with a run's leftovers."""

import glob
import os
import socket
from typing import List

from .folder import RunFolder


def note_sockets(folder: RunFolder, prefix: str) -> None:
    """Known before they are there: whatever ends this process, they are found."""
    folder.note_processes(sockets={"prefixes": [*_prefixes(folder), prefix]})


def remove_sockets(folder: RunFolder) -> None:
    """After the engines have ended. What is still listened at stays noted."""
    noted = _prefixes(folder)
    if not noted:
        return
    left = [prefix for prefix in noted if not _removed(prefix)]
    folder.note_processes(sockets={"prefixes": left} if left else None)


def _prefixes(folder: RunFolder) -> List[str]:
    return (folder.processes().get("sockets") or {}).get("prefixes", [])


def _removed(prefix: str) -> bool:
    paths = glob.glob(f"{glob.escape(prefix)}-*")
    dead = [path for path in paths if is_dead(path)]
    for path in dead:
        os.unlink(path)
    return dead == paths


def is_dead(path: str) -> bool:
    """Whether it is this user's and nobody listens: since our engine ended, its port may have become another engine's."""
    try:
        if os.lstat(path).st_uid != os.geteuid():
            return False
        with socket.socket(socket.AF_UNIX) as client:
            client.setblocking(False)
            client.connect(path)
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return False
