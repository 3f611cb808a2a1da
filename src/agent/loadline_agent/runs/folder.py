"""The run folder on the host: what is in it and what state it is in."""

import json
import os
import shutil
from typing import Any, Dict, List, Optional

from ..errors import AgentError, raise_if_full
from ..home import ensure_home, home_path, runs_path
from ..locks import is_locked
from . import journal

#: Bytes set aside when the run starts, so that a full disk can still be told of.
NOTICE_BYTES = 4096


class RunFolder:
    def __init__(self, home: str, run: str) -> None:
        self.home = home
        self.run = run
        self.path = os.path.join(runs_path(home), run)

    def file(self, name: str) -> str:
        return os.path.join(self.path, name)

    @staticmethod
    def create(request: dict) -> "RunFolder":
        """A new folder with the request in it; the name must be free."""
        folder = RunFolder(ensure_home(), request["run"])
        try:
            os.mkdir(folder.path, 0o700)
        except FileExistsError:
            raise AgentError(
                "run-exists", f"There is a run {request['run']} on this host already. Resume it, or give another name."
            ) from None
        except OSError as error:
            raise_if_full(error, folder.path)
            raise
        try:
            folder.write_json("request.json", request)
            folder.write("plan.yaml", request["plan"].encode("utf-8"))
            folder.write("notice", b" " * NOTICE_BYTES)
            folder.renew_lease()
        except BaseException:
            folder.remove()
            raise
        return folder

    @staticmethod
    def find(run: str) -> "RunFolder":
        folder = RunFolder(home_path(), run)
        if not os.path.isfile(folder.file("request.json")):
            raise AgentError("no-such-run", f"There is no run {run} on this host (looked in {runs_path(folder.home)}).")
        return folder

    @staticmethod
    def all() -> "List[RunFolder]":
        home = home_path()
        try:
            names = sorted(os.listdir(runs_path(home)))
        except FileNotFoundError:
            return []
        folders = [RunFolder(home, name) for name in names]
        return [folder for folder in folders if os.path.isfile(folder.file("request.json"))]

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)

    def request(self) -> dict:
        return self.read_json("request.json")

    # Files

    def write(self, name: str, data: bytes) -> None:
        """Whole or not at all: a reader sees the old file or the new one."""
        path = self.file(name)
        temporary = f"{path}.{os.getpid()}.part"
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with open(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except OSError as error:
            if os.path.exists(temporary):
                os.unlink(temporary)
            raise_if_full(error, path)
            raise

    def write_json(self, name: str, document: Any) -> None:
        self.write(name, (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode("utf-8", "replace"))

    def read_json(self, name: str) -> Any:
        with open(self.file(name), encoding="utf-8") as file:
            return json.load(file)

    # Processes of the run

    def note_processes(self, **known: Optional[dict]) -> None:
        """Adds to processes.json: `supervisor`, `worker`, `engine` (copies: `engine-1` …), each an identity or None;
        `container`, `mps` and `sockets` say what else an engine may leave."""
        self.write_json("processes.json", {**self.processes(), **known})

    def processes(self) -> Dict[str, Optional[dict]]:
        try:
            return self.read_json("processes.json")
        except (FileNotFoundError, ValueError):
            return {}

    def engine_leaders(self) -> List[dict]:
        """Identities of the engines' own processes, each the leader of its group."""
        known = self.processes()
        return [known[name] for name in known if name.split("-")[0] == "engine" and known[name]]

    @property
    def lock_path(self) -> str:
        return self.file("lock")

    def state(self) -> str:
        """`running` while a supervisor or worker of it lives, whatever the journal says."""
        if is_locked(self.lock_path):
            return "running"
        last = journal.last_line(self.file(journal.FILE))
        return "finished" if last and last["type"] == "run-finished" else "interrupted"

    # Lease: its file's time is when a follower was last there

    def renew_lease(self) -> None:
        try:
            os.utime(self.file("lease"))
        except FileNotFoundError:
            self.write("lease", b"")

    def lease_time(self) -> Optional[float]:
        try:
            return os.stat(self.file("lease")).st_mtime
        except FileNotFoundError:
            return None

    # Notice: the last word of a run that could not write any more

    def leave_notice(self, record: dict) -> None:
        """Overwrites space that was set aside, so that it needs none."""
        self._overwrite_notice(json.dumps(record).encode())

    def clear_notice(self) -> None:
        self._overwrite_notice(b"")

    def _overwrite_notice(self, data: bytes) -> None:
        try:
            descriptor = os.open(self.file("notice"), os.O_WRONLY | os.O_CREAT, 0o600)
        except OSError:
            return
        try:
            os.pwrite(descriptor, data[:NOTICE_BYTES].ljust(NOTICE_BYTES), 0)
            os.fsync(descriptor)
        except OSError:
            # Not even that: the run then shows as interrupted, without the reason.
            return
        finally:
            os.close(descriptor)

    def notice(self) -> Optional[dict]:
        try:
            with open(self.file("notice"), "rb") as file:
                text = file.read().strip()
            return json.loads(text.decode()) if text else None
        except (OSError, ValueError):
            return None
