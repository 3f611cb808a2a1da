"""`run` and `resume`: a supervisor is left behind, detached, and answered for once it holds its locks."""

import json
import os
import subprocess
import sys
import traceback
from typing import Callable, List

from .. import PROTOCOL, ROOT, VERSION
from ..errors import AgentError
from ..home import ensure_home
from ..probe.host import host_facts
from .continuity import changed_cells, changed_host, stale
from .folder import RunFolder
from .journal import Progress
from .slurm.submit import resume_run as resume_slurm_run
from .slurm.submit import submit_run
from .supervisor import Resumption, Supervisor

ENVIRONMENT = "environment.json"

#: A hung driver must not hang the start of a run. Clients wait longer than this for their answer.
PROBE_SECONDS = 60


def start_run(request: dict) -> dict:
    if request.get("scheduler"):
        # A login node's own GPUs, if it has any, are not those of the run: no driver is asked.
        return submit_run(request, environment(request, host_facts()))
    folder = RunFolder.create(request)
    try:
        host = facts_for(request)
        folder.write_json(ENVIRONMENT, environment(request, host))
        gpus = gpu_lock_names(request, host)
        return detach(folder, lambda: Supervisor(folder, request, gpus))
    except AgentError:
        # Nothing of it ran: the name is free again.
        folder.remove()
        raise


def resume_run(run: str, accept_changes: bool = False) -> dict:
    """Goes on with the first cell that has no result. AgentError `stale` where that would mix what does not compare."""
    ensure_home()
    folder = RunFolder.find(run)
    request = folder.request()
    if request.get("scheduler"):
        return resume_slurm_run(folder, request, accept_changes)
    if folder.state() == "running":
        raise AgentError("run-active", f"The run {run} is still going on. Follow it, or cancel it first.")
    progress = Progress(folder.path, request["cells"])
    if progress.finished and len(progress.settled) == len(request["cells"]):
        raise AgentError("nothing-to-resume", f"All {len(request['cells'])} cells of the run {run} have their result.")
    host = facts_for(request)
    changes = changed_cells(folder.path, request["cells"])
    if os.path.exists(folder.file(ENVIRONMENT)):
        changes += changed_host(request["gpus"], folder.read_json(ENVIRONMENT).get("host"), host)
    else:
        # Its start was cut off before it was written, and no report can be made without it.
        folder.write_json(ENVIRONMENT, environment(request, host))
    if changes and not accept_changes:
        raise stale(run, changes)
    gpus = gpu_lock_names(request, host)
    folder.renew_lease()
    folder.clear_notice()
    return detach(folder, lambda: Supervisor(folder, request, gpus, Resumption(changes, accept_changes)))


def facts_for(request: dict) -> dict:
    """A rehearsal uses no GPU: no driver is asked for it, and its GPUs are left out."""
    return host_facts() if request["simulated"] else probe_apart()


def probe_apart() -> dict:
    """In a process of its own: NVML must not be open across a fork, and a driver that hangs can be left behind."""
    try:
        done = subprocess.run(
            [sys.executable, ROOT, "probe", "--brief"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=PROBE_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise AgentError(
            "probe", f"Looking at this host took over {PROBE_SECONDS} s. Does `nvidia-smi` hang here?"
        ) from None
    try:
        record = json.loads(done.stdout.decode())
    except ValueError:
        raise AgentError(
            "probe", f"Looking at this host failed: {done.stderr.decode(errors='replace').strip()[-500:]}"
        ) from None
    if record["type"] == "error":
        raise AgentError(record["code"], record["message"])
    if record["problems"]:
        raise AgentError("probe", f"Looking at this host failed: {record['problems'][0]['message']}.")
    return record


def environment(request: dict, host: dict) -> dict:
    """environment.json: what the client said, and this host."""
    return {
        **request["environment"],
        "host": {key: value for key, value in host.items() if key != "type"},
        "agent": {"version": VERSION, "protocol": PROTOCOL, "python": sys.executable},
        "simulated": request["simulated"],
    }


def gpu_lock_names(request: dict, host: dict) -> List[str]:
    """Rehearsals use no GPU. A GPU without a known uuid goes by host and index: the home may be shared by many hosts."""
    if request["simulated"]:
        return []
    # Instances of a divided GPU have its index; the lock is the whole GPU's.
    uuids = {gpu["index"]: gpu["uuid"] for gpu in host["gpus"] if "mig" not in gpu}
    if host["gpuSource"] == "nvml":
        missing = [index for index in request["gpus"] if index not in uuids]
        if missing:
            raise AgentError("no-gpu", f"This host has no GPU {missing[0]}; it has {len(uuids)}, counted from 0.")
    return [uuids.get(index) or f"{host['hostname']}-{index}" for index in request["gpus"]]


def detach(folder: RunFolder, supervisor: Callable[[], Supervisor]) -> dict:
    """Forks twice, so that the supervisor has no terminal, no parent and none of our channels. Returns its RunAccepted."""
    answer, answering = os.pipe()
    between = os.fork()
    if between == 0:
        os.setsid()
        if os.fork() == 0:
            become_supervisor(folder, supervisor, answering)
        os._exit(0)
    os.close(answering)
    os.waitpid(between, 0)
    with open(answer, "rb") as file:
        said = file.read()
    if not said:
        raise AgentError(
            "supervisor", f"The run's supervisor ended before it began; see {folder.file('supervisor.log')}."
        )
    record = json.loads(said.decode())
    if record["type"] == "error":
        raise AgentError(record["code"], record["message"])
    return record


def become_supervisor(folder: RunFolder, make: Callable[[], Supervisor], answering: int) -> None:
    """Never returns. Says on `answering` what became of it, once, and closes that."""
    status = 1
    try:
        os.chdir("/")
        log = os.open(folder.file("supervisor.log"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        # Whatever else was open belongs to the channel that started us, and would keep it open.
        answering = os.dup2(answering, 3, inheritable=False)
        os.closerange(4, os.sysconf("SC_OPEN_MAX") if os.sysconf("SC_OPEN_MAX") < 1 << 16 else 1 << 16)
        try:
            supervisor = make()
            supervisor.begin()
            said = {"type": "run-accepted", "run": folder.run, "directory": folder.path, "pid": os.getpid()}
        except AgentError as error:
            said = error.record()
        os.write(answering, json.dumps(said).encode())
        os.close(answering)
        if said["type"] == "run-accepted":
            status = supervisor.supervise()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)
