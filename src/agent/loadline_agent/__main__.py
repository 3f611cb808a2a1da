"""`python3 loadline-agent.pyz <verb>`. Modules are imported by the verb that needs them: `hello` stays fast."""

import os
import platform
import socket
import sys
import traceback
from typing import Callable, Dict, List

from . import PROTOCOL, VERSION
from .errors import AgentError, BadRequest
from .wire import emit, read_request, read_request_and_rest


def hello(_: List[str]) -> None:
    emit(
        {
            "type": "hello",
            "protocol": PROTOCOL,
            "agentVersion": VERSION,
            "python": platform.python_version(),
            "hostname": socket.gethostname(),
            "pid": os.getpid(),
        }
    )


def probe(arguments: List[str]) -> None:
    from .probe import probe_host

    emit(probe_host(brief="--brief" in arguments))


def sample(_: List[str]) -> None:
    from .requests import sample_request
    from .sampling.verb import sample_to_stdout

    request, rest = read_request_and_rest()
    sample_to_stdout(sample_request(request), rest)


def run(_: List[str]) -> None:
    from .requests import run_request
    from .runs.start import start_run

    emit(start_run(run_request(read_request())))


def resume(_: List[str]) -> None:
    from .requests import resume_request
    from .runs.start import resume_run

    request = resume_request(read_request())
    emit(resume_run(request["run"], request.get("acceptChanges") is True))


def cancel(_: List[str]) -> None:
    from .requests import run_name
    from .runs.cancel import cancel_run

    emit(cancel_run(run_name(read_request())))


def runs(_: List[str]) -> None:
    from .runs.status import all_statuses

    for status in all_statuses():
        emit(status)


def follow(_: List[str]) -> None:
    from .requests import follow_request
    from .runs.follow import follow_run

    follow_run(follow_request(read_request()))


def uninstall(_: List[str]) -> None:
    from .requests import uninstall_request
    from .uninstall import uninstall as remove

    emit(remove(uninstall_request(read_request())))


def load(_: List[str]) -> None:
    from .load_endpoint import measure_endpoint
    from .requests import load_request

    request, rest = read_request_and_rest()
    emit(measure_endpoint(load_request(request), rest))


def slurm_task(arguments: List[str]) -> None:
    from .field import Field
    from .requests import checked_run_name
    from .runs.slurm.task import run_task

    sys.exit(run_task(checked_run_name(Field(arguments[0] if arguments else None, "run"))))


def simulated_engine(arguments: List[str]) -> None:
    from .simulated_engine import main as serve

    sys.exit(serve(arguments))


VERBS: Dict[str, Callable[[List[str]], None]] = {
    "hello": hello,
    "probe": probe,
    "sample": sample,
    "run": run,
    "resume": resume,
    "cancel": cancel,
    "runs": runs,
    "follow": follow,
    "load": load,
    "uninstall": uninstall,
    "slurm-task": slurm_task,
    "simulated-engine": simulated_engine,
}


def main(arguments: List[str]) -> int:
    """0 done, 1 failed (an ErrorRecord said why), 2 bad request."""
    try:
        verb = VERBS.get(arguments[0]) if arguments else None
        if verb is None:
            given = f"`{arguments[0]}` is not one" if arguments else "none was given"
            raise BadRequest(f"Give one of the verbs {', '.join(VERBS)}; {given}.")
        verb(arguments[1:])
        return 0
    except AgentError as error:
        emit(error.record())
        return error.exit_status
    except BrokenPipeError:
        # The reader went away: nobody is left to tell. stdout is replaced so that the interpreter's last flush is silent.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        emit(
            AgentError(
                "system", f"{error.strerror or error}" + (f": {error.filename}" if error.filename else "")
            ).record()
        )
        return 1
    except Exception as error:
        traceback.print_exc()
        emit(
            AgentError(
                "internal", f"The agent failed: {type(error).__name__}: {error}. Its stderr says where."
            ).record()
        )
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
