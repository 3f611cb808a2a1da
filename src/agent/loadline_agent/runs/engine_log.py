"""An engine's log. What it prints goes through a process of ours that takes secrets out before anything is written down."""

import fcntl
import os
import select
import signal
import socket
import traceback
from typing import List, Optional

from ..errors import raise_if_full
from ..processes import child_ended, signal_if_there
from .secret_values import Secrets, SecretStream

PART_BYTES = 1 << 16
#: As much as an engine may print while the machine is busy, before printing holds it up. Linux gives no more to a user.
PIPE_BYTES = 1 << 20
#: fcntl(2); a name of Python's own since 3.10.
F_SETPIPE_SZ = 1031

SYNC_SECONDS = 5.0
#: For one that a full or slow disk holds up. A busy machine takes its time over an engine's last words, too.
END_SECONDS = 10.0


class EngineLog:
    """Of one start. The engine is given `output`; `started` closes our own copy of it."""

    def __init__(self, path: str, secrets: Secrets) -> None:
        """A full disk raises."""
        self._path = path
        self._secrets = secrets
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        except OSError as error:
            raise_if_full(error, path)
            raise
        #: The file may hold earlier starts.
        self._start = os.fstat(self._file).st_size
        # Kept here too: an engine is not to end of what it prints, should the process in between be killed.
        self._reading, self.output = os.pipe()
        enlarge(self.output)
        os.set_blocking(self._reading, False)
        self._pid: Optional[int] = None
        self._control: Optional[socket.socket] = None
        self._fork()

    def _fork(self) -> None:
        ours, its = socket.socketpair()
        self._pid = os.fork()
        if self._pid == 0:
            ours.close()
            if self.output >= 0:
                os.close(self.output)
            become(self._reading, self._file, its, SecretStream(self._secrets))
        its.close()
        self._control = ours

    def started(self) -> None:
        os.close(self.output)
        self.output = -1

    def keep(self) -> None:
        """Starts the process in between once more, should it have been killed."""
        pid, status = os.waitpid(self._pid, os.WNOHANG) if self._pid is not None else (0, 0)
        if pid == 0:
            return
        self._pid = None
        if os.WIFSIGNALED(status) and self._control is not None:
            self._control.close()
            self._fork()

    def lines(self) -> List[str]:
        """All that the engine has printed until now."""
        self._sync()
        with open(self._path, encoding="utf-8", errors="replace") as file:
            file.seek(self._start)
            return file.readlines()

    def _sync(self) -> None:
        if self._control is None:
            return
        self._control.settimeout(SYNC_SECONDS)
        try:
            self._control.send(b".")
            self._control.recv(1)
        except OSError:
            # It has ended, or a disk holds it up: the log is what it is.
            pass

    def close(self) -> None:
        """After the engine, and whatever else may print to it, has ended."""
        if self.output >= 0:
            self.started()
        control, self._control = self._control, None
        if control is None:
            return
        control.close()
        os.close(self._reading)
        os.close(self._file)
        if self._pid is not None and not child_ended(self._pid, END_SECONDS):
            signal_if_there(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
        self._pid = None


def enlarge(pipe: int) -> None:
    try:
        fcntl.fcntl(pipe, F_SETPIPE_SZ, PIPE_BYTES)
    except OSError:
        # Not Linux, or the user has many of them: what pipes have is enough for logs.
        pass


def become(reading: int, file: int, control: socket.socket, stream: SecretStream) -> None:
    """In the child; never returns. It ends with the engine's output, or with the worker, whose death is the engine's."""
    status = 1
    try:
        # A signal to the worker's group is not for it: the engine's last words come after that.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
            signal.signal(number, signal.SIG_IGN)
        copy(reading, file, control, stream)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def copy(reading: int, file: int, control: socket.socket, stream: SecretStream) -> None:
    goes_on = True
    while goes_on:
        readable = select.select([reading, control], [], [])[0]
        asked = control in readable and control.recv(16)
        goes_on = copy_what_is_there(reading, file, stream) and asked != b""
        if asked:
            try:
                control.send(b".")
            except OSError:
                goes_on = False
    append(file, stream.end())


def copy_what_is_there(reading: int, file: int, stream: SecretStream) -> bool:
    """False at the end of the output."""
    while True:
        try:
            part = os.read(reading, PART_BYTES)
        except BlockingIOError:
            return True
        if not part:
            return False
        append(file, stream.take(part))


def append(file: int, data: bytes) -> None:
    """A disk that is full is the journal's to tell of; the engine goes on meanwhile, as if it printed to nowhere."""
    try:
        while data:
            data = data[os.write(file, data) :]
    except OSError:
        pass
