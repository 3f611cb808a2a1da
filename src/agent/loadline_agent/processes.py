"""Processes: which are still there, whose they are, and how they end. Linux's /proc where there is one."""

import ctypes
import os
import pwd
import signal
import time
from typing import Callable, List, NamedTuple, Optional, Sequence, Set

from .clock import boot_id

#: On every process of an engine: a run finds its own by these, wherever their groups went.
RUN_MARK = "LOADLINE_RUN"
HOME_MARK = "LOADLINE_HOME"

PR_SET_PDEATHSIG = 1

try:
    _prctl: Optional[Callable[..., int]] = ctypes.CDLL(None, use_errno=True).prctl
except (AttributeError, OSError):
    # Not Linux: a killed worker is then noticed by the supervisor alone.
    _prctl = None


class ProcessFacts(NamedTuple):
    state: str
    group: int
    #: Clock ticks after boot: with the pid it names one process for good.
    started: str


def facts(pid: int) -> Optional[ProcessFacts]:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The command stands in parentheses and may hold anything, parentheses included.
            words = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return ProcessFacts(words[0].decode(), int(words[2]), words[19].decode())


def identity(pid: int) -> dict:
    """What is written down about a process, to know it again."""
    about = facts(pid)
    return {"pid": pid, "started": about.started if about else None, "bootId": boot_id()}


def is_alive(known: dict) -> bool:
    """Whether the very process of `identity` still runs; a zombie does not."""
    if known["bootId"] != boot_id():
        return False
    if not os.path.isdir("/proc/self"):
        return signal_if_there(known["pid"], 0)
    about = facts(known["pid"])
    return about is not None and about.state not in "ZX" and about.started == known["started"]


def all_pids() -> List[int]:
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []


def marked(run: str, home: str) -> List[int]:
    """Processes that an engine of this run started, by the marks in their environment."""
    wanted = {f"{RUN_MARK}={run}".encode(), f"{HOME_MARK}={home}".encode()}
    found = []
    for pid in all_pids():
        if wanted <= environment_of(pid):
            found.append(pid)
    return found


def environment_of(pid: int) -> Set[bytes]:
    """`NAME=value` as the process was started with; empty where it may not be looked at."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return set(file.read().split(b"\0"))
    except OSError:
        return set()


def run_of(pid: int) -> Optional[str]:
    """Name of the run whose engine the process is part of; None where it is of none."""
    start = f"{RUN_MARK}=".encode()
    named = [entry[len(start) :] for entry in environment_of(pid) if entry.startswith(start)]
    return named[0].decode(errors="replace") if named else None


def group_members(group: int) -> List[int]:
    if not os.path.isdir("/proc/self"):
        return [group] if signal_group(group, 0) else []
    members = []
    for pid in all_pids():
        about = facts(pid)
        if about and about.group == group and about.state not in "ZX":
            members.append(pid)
    return members


def left_in_group(leader: dict) -> List[int]:
    """Members of the group that a process of `identity` led, unless that number belongs to somebody else by now."""
    if leader["bootId"] != boot_id():
        return []
    about = facts(leader["pid"])
    if about is not None and about.started != leader["started"]:
        return []
    return group_members(leader["pid"])


def signal_if_there(pid: int, number: int) -> bool:
    try:
        os.kill(pid, number)
        return True
    except (ProcessLookupError, PermissionError):
        return False


def child_ended(pid: int, seconds: float) -> bool:
    """Waits so long for a child of ours; once it has ended it is no child any more. Looked at again and again: a process can
    be waited for with a limit only from Python 3.9 on."""
    end = time.monotonic() + seconds
    while not os.waitpid(pid, os.WNOHANG)[0]:
        if time.monotonic() >= end:
            return False
        time.sleep(0.005)
    return True


def signal_group(group: int, number: int) -> bool:
    try:
        os.killpg(group, number)
        return True
    except (ProcessLookupError, PermissionError):
        return False


def kill_leftovers(run: str, home: str, engines: Sequence[dict], seconds: float = 15) -> bool:
    """Ends with SIGKILL what is left of a run's engines. False if something is still there after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        left = {*marked(run, home), *(pid for engine in engines for pid in left_in_group(engine))}
        if not left:
            return True
        if time.monotonic() > end:
            return False
        for pid in left:
            signal_if_there(pid, signal.SIGKILL)
        time.sleep(0.02)


def die_with(parent: int, number: int = signal.SIGKILL) -> None:
    """In a forked child: the kernel sends it `number` when its parent ends, however that ends."""
    if _prctl is not None:
        _prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
        # The parent may have ended before the call.
        if os.getppid() != parent:
            os._exit(1)


def default_signals() -> None:
    """In a forked child. A shell's background job hands down an ignored SIGINT, and engines are stopped by it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


#: The number of the PID namespace that a machine starts with (PROC_PID_INIT_INO in linux/proc_ns.h).
FIRST_PID_NAMESPACE = 0xEFFFFFFC


def counts_as_host() -> bool:
    """False in a container with processes of its own: a driver's numbers then mean other processes than ours."""
    try:
        return os.stat("/proc/self/ns/pid").st_ino == FIRST_PID_NAMESPACE
    except OSError:
        return False


def process_name(pid: int) -> Optional[str]:
    """What the process calls itself, without arguments."""
    if not counts_as_host():
        return None
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
            return file.read().rstrip("\n")
    except OSError:
        return None


def process_user(pid: int) -> dict:
    """`user` and `own` of a GpuProcess, and `run` where an engine of one started it."""
    if not counts_as_host():
        return {"user": None, "own": None}
    try:
        owner = os.stat(f"/proc/{pid}").st_uid
    except OSError:
        return {"user": None, "own": None}
    run = run_of(pid)
    return {"user": user_name(owner), "own": owner == os.geteuid(), **({"run": run} if run else {})}


def user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except (KeyError, OSError):
        return str(uid)
