"""NVIDIA MPS for the copies of one engine: a daemon of this run alone, with a private pipe directory, started and ended here.

Documentation: docs.nvidia.com/deploy/mps. A daemon of somebody else (at /tmp/nvidia-mps by default) is never touched.
"""

import os
import shutil
import tempfile
from typing import Dict, List, Optional

from ..engines.failure import Diagnosis
from ..processes import HOME_MARK, RUN_MARK
from .commands import Asked, ask
from .folder import RunFolder
from .instance import EngineFailed
from .watch import Watch

PROGRAM = "nvidia-cuda-mps-control"
START_SECONDS = 30.0
QUIT_SECONDS = 20.0
ASK_SECONDS = 10.0

#: A socket's path has at most 107 bytes (sun_path in unix(7)); the longest name that the daemon makes in its folder.
MOST_PATH_BYTES = 107
LONGEST_NAME = "/nvidia-cuda-mps-control.pid"

#: Where a daemon that somebody started for all users listens.
COMMON_PIPE = "/tmp/nvidia-mps/control"


class Mps:
    def __init__(self, folder: RunFolder, gpus: List[int], limits: Dict[str, float]) -> None:
        self._folder = folder
        self._gpus = gpus
        self._limits = limits
        self._directory: Optional[str] = None

    def start(self, watch: Watch) -> None:
        directory = self._make_directory()
        started = ask([PROGRAM, "-d"], START_SECONDS, watch, self._daemon_environment(directory))
        if started.missing:
            self.stop()
            message = f"There is no `{PROGRAM}` on this host: it comes with NVIDIA's driver. Copies can share a GPU without it: sharing: time-slicing."
            raise EngineFailed("start", Diagnosis("not-found", message, []))
        if not started.ok:
            self.stop()
            message = f"MPS did not start: {started.said or 'it said nothing'}. See mps/log in the run folder on the host."
            raise EngineFailed("start", Diagnosis("mps", message, started.said.splitlines()[-10:]))

    def _make_directory(self) -> str:
        """For pipes and logs, this user's alone. In the run folder where its path is short enough for sockets."""
        directory = self._folder.file("mps")
        if len(os.fsencode(f"{directory}/pipe{LONGEST_NAME}")) > MOST_PATH_BYTES:
            directory = tempfile.mkdtemp(prefix="loadline-mps-")
        shutil.rmtree(directory, ignore_errors=True)
        for path in (directory, f"{directory}/pipe", f"{directory}/log"):
            os.mkdir(path, 0o700)
        self._directory = directory
        self._folder.note_processes(mps={"directory": directory})
        return directory

    def _pipes(self, directory: str) -> Dict[str, str]:
        return {"CUDA_MPS_PIPE_DIRECTORY": f"{directory}/pipe", "CUDA_MPS_LOG_DIRECTORY": f"{directory}/log"}

    def _daemon_environment(self, directory: str) -> Dict[str, str]:
        # The marks: whatever ends this process, daemon and server are found by them.
        marks = {RUN_MARK: self._folder.run, HOME_MARK: self._folder.home}
        visible = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": ",".join(map(str, self._gpus))}
        return {**os.environ, **(visible if self._gpus else {}), **self._pipes(directory), **marks}

    def engine_environment(self) -> Dict[str, str]:
        """What makes an engine a client. The daemon shows it the chosen GPUs alone, counted from 0."""
        assert self._directory is not None
        ordinals = range(len(self._gpus) or 1)
        given = {**self._pipes(self._directory), "CUDA_VISIBLE_DEVICES": ",".join(map(str, ordinals))}
        memory, percentage = self._limits.get("memoryLimitBytes"), self._limits.get("threadPercentage")
        if memory:
            mebibytes = int(memory) >> 20
            given["CUDA_MPS_PINNED_DEVICE_MEM_LIMIT"] = ",".join(f"{ordinal}={mebibytes}M" for ordinal in ordinals)
        if percentage:
            given["CUDA_MPS_ACTIVE_THREAD_PERCENTAGE"] = f"{percentage:g}"
        return given

    def _control(self, command: str, seconds: float, watch: Optional[Watch] = None) -> Asked:
        assert self._directory is not None
        environment = {**os.environ, **self._pipes(self._directory)}
        return ask([PROGRAM], seconds, watch, environment, stdin=command + "\n")

    def clients(self, watch: Watch) -> int:
        """Processes that go through the daemon's servers. An engine that does not is not under MPS, whatever it was told."""
        servers = self._control("get_server_list", ASK_SECONDS, watch)
        pids = [word for word in servers.said.split() if word.isdigit()] if servers.ok else []
        found = 0
        for pid in pids:
            listed = self._control(f"get_client_list {pid}", ASK_SECONDS, watch)
            found += sum(1 for line in listed.said.splitlines() if line.split()[:1] and line.split()[0].isdigit())
        return found

    def stop(self) -> None:
        """After its clients have ended. What does not quit is found by its marks."""
        if self._directory is not None and os.path.isdir(self._directory):
            self._control("quit", QUIT_SECONDS)

    def clear_away(self) -> None:
        directory, self._directory = self._directory, None
        if directory is not None:
            remove_directory(self._folder)


def remove_directory(folder: RunFolder) -> None:
    """Pipes go; logs stay where they are in the run folder."""
    known = folder.processes().get("mps")
    if not known:
        return
    directory = known["directory"]
    shutil.rmtree(f"{directory}/pipe" if directory == folder.file("mps") else directory, ignore_errors=True)
    folder.note_processes(mps=None)


def common_daemon() -> Optional[str]:
    """A warning where a daemon for all users is there: an engine without a pipe directory of its own goes through it."""
    if not os.path.exists(COMMON_PIPE):
        return None
    return f"An MPS daemon that somebody else started listens at {COMMON_PIPE}: engines of this run that share no GPU under MPS go through it, too."
