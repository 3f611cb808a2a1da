"""A stand-in for vLLM, to rehearse with: its routes, its streams, continuous batching in time. It says so everywhere.

Its limits, speeds and log lines are handed to it (SimulatedEngine of the TypeScript core); it estimates nothing.
"""

import argparse
import os
import signal
import sys
import time
from typing import Any, List

_PARAMETERS = "LOADLINE_SIMULATED_ENGINE"
_API_KEY = "VLLM_API_KEY"


def main(argv: List[str]) -> int:
    """`simulated-engine --port N`. Exit status: 0 stopped by a signal, 1 the port is taken, 2 bad parameters;
    where the parameters say that the engine does not start, theirs."""
    from .parameters import BadParameters, read_parameters
    from .server import Server

    parser = argparse.ArgumentParser(prog="simulated-engine", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="on 127.0.0.1; 0: a free one, printed")
    port = parser.parse_args(argv).port
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    path = os.environ.get(_PARAMETERS)
    if not path:
        return _refuse(2, "%s names no file of parameters" % _PARAMETERS)
    try:
        parameters = read_parameters(path)
    except (BadParameters, OSError) as error:
        return _refuse(2, str(error))
    for line in parameters.log_lines:
        print(line, flush=True)
    time.sleep(parameters.startup_seconds)
    if parameters.outcome != "serves":
        return parameters.exit_code
    try:
        server = Server(parameters, port, os.environ.get(_API_KEY, ""))
    except OSError as error:
        return _refuse(1, "cannot listen on 127.0.0.1:%d: %s" % (port, error.strerror))
    print("(simulated) serving %s on http://127.0.0.1:%d" % (parameters.model_name, server.port), flush=True)
    server.serve()
    return 0


def _stop(number: int, _: Any) -> None:
    # Not by print: it may have been interrupted in one, and is not to be entered twice.
    os.write(sys.stdout.fileno(), b"(simulated) stopped by %b\n" % signal.Signals(number).name.encode("ascii"))
    raise SystemExit(0)


def _refuse(status: int, message: str) -> int:
    print("(simulated) %s" % message, file=sys.stderr, flush=True)
    return status
