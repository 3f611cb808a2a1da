"""The `load` verb: the load generator alone, against an endpoint that somebody else started."""

import http.client
import json
import math
import os
import select
import ssl
import time
from typing import Any, List, Optional

from .errors import AgentError, BadRequest
from .loadgen.drive import LoadError
from .loadgen.profile import BadProfile
from .loadgen.runner import run_load
from .loadgen.sizing import as_the_server_takes_it
from .loadgen.targets import Target, target_of_url
from .wire import emit

KEY_VARIABLE = "LOADLINE_API_KEY"
MODELS_SECONDS = 30.0
PROGRESS_SECONDS = 0.5


def measure_endpoint(request: dict, rest: bytes = b"") -> dict:
    """Emits `load-progress` records, and returns the `load-measured` one. A line `{"stop": true}` on stdin, or its end,
    ends the load: what was measured until then is the result. `rest`: what came on stdin behind the request."""
    try:
        target = target_of_url(request["url"], os.environ.get(KEY_VARIABLE) or None)
    except BadProfile as error:
        raise BadRequest(f"{error}.") from error
    model = model_of(target, request.get("modelName"))
    control = Control(0, rest)
    said_at, said_phase = 0.0, ""

    def progress(phase: str, completed: int, total: int) -> None:
        nonlocal said_at, said_phase
        now = time.monotonic()
        if phase != said_phase or now - said_at >= PROGRESS_SECONDS:
            said_at, said_phase = now, phase
            emit({"type": "load-progress", "phase": phase, "completed": completed, "total": total})

    profile = as_the_server_takes_it(target, model, request["load"])
    try:
        measurement = run_load(
            [target], model, profile, progress, control.stopped, math.inf, keeps_what_was_measured=True
        )
    except LoadError as error:
        raise AgentError(error.kind, f"{error} (phase {error.phase})") from error
    record = {"type": "load-measured", "modelName": model, "measurement": measurement}
    return {**record, "interrupted": True} if control.was_stopped else record


class Control:
    """What stands on stdin behind the request."""

    def __init__(self, descriptor: int, rest: bytes) -> None:
        self._descriptor = descriptor
        self._rest = b""
        self.was_stopped = False
        self._take(rest)

    def stopped(self) -> bool:
        while not self.was_stopped and select.select([self._descriptor], [], [], 0)[0]:
            data = os.read(self._descriptor, 4096)
            if not data:
                self.was_stopped = True
            self._take(data)
        return self.was_stopped

    def _take(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            try:
                said = json.loads(line.decode("utf-8", "replace"))
            except (ValueError, RecursionError):
                continue  # A later client may say more.
            self.was_stopped = self.was_stopped or (isinstance(said, dict) and said.get("stop") is True)


def model_of(target: Target, wanted: Optional[str]) -> str:
    """The model that is wanted, or the only one that is served. A server without a list of models is believed to serve
    the wanted one. Raises AgentError."""
    status, answer, kind = _ask_models(target)
    if status in (401, 403):
        given = "refuses the API key that was given" if target.api_key else f"asks for an API key; put it into {KEY_VARIABLE}"
        raise AgentError("unauthorized", f"{target.url} {given} (HTTP {status}).")
    served = _names(answer) if status == 200 else []
    if wanted is not None:
        if served and wanted not in served:
            raise AgentError("no-such-model", f"{target.url} serves {_listed(served)}, not {wanted}.")
        return wanted
    if len(served) == 1:
        return served[0]
    if served:
        raise AgentError("which-model", f"{target.url} serves {_listed(served)}; name one with --model.")
    raise AgentError("protocol", f"{target.url}/v1/models answered {status}{kind} without a model: {_why_no_model(status)}")


def _why_no_model(status: int) -> str:
    if status >= 500:
        return "it is not ready yet, or has failed; its log says more."
    if 300 <= status < 400:
        return "it sends to another address. Give that one."
    return (
        "it is no OpenAI-compatible server, or has no list of its models. Give the address of the server itself "
        "(http://host:port), and the model with --model."
    )


def _ask_models(target: Target) -> Any:
    """Status, the JSON document or None, and in words what came in its place."""
    connection: http.client.HTTPConnection
    if target.tls:
        connection = http.client.HTTPSConnection(target.host, target.port, timeout=MODELS_SECONDS, context=target.tls)
    else:
        connection = http.client.HTTPConnection(target.host, target.port, timeout=MODELS_SECONDS)
    try:
        headers = {"Authorization": f"Bearer {target.api_key}"} if target.api_key else {}
        connection.request("GET", f"{target.path}/v1/models", headers=headers)
        answer = connection.getresponse()
        body = answer.read()
    except ssl.SSLCertVerificationError as error:
        raise AgentError("unreachable", f"{target.url}: its certificate is not trusted here ({error.verify_message}).") from error
    except ssl.SSLError as error:
        raise AgentError("unreachable", f"{target.url}: no TLS is spoken there ({error.reason}). Is it http?") from error
    except ValueError as error:
        raise AgentError("bad-request", f"{target.url}: the API key has characters that no HTTP header can carry.") from error
    except http.client.RemoteDisconnected as error:
        raise AgentError("unreachable", f"{target.url}: it closed the connection without an answer. Is it https?") from error
    except http.client.BadStatusLine as error:
        raise AgentError("unreachable", f"{target.url}: no HTTP is spoken there. Is it another port?") from error
    except (OSError, http.client.HTTPException) as error:
        said = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise AgentError("unreachable", f"{target.url}: {said}. Is the server running there?") from error
    finally:
        connection.close()
    try:
        return answer.status, json.loads(body.decode("utf-8")), ""
    except (ValueError, RecursionError):
        page = body[:1000].lstrip().lower().startswith((b"<!doctype html", b"<html"))
        return answer.status, None, " with a web page" if page else ""


def _names(answer: Any) -> List[str]:
    data = answer.get("data") if isinstance(answer, dict) else None
    names = [model.get("id") for model in data if isinstance(model, dict)] if isinstance(data, list) else []
    return [name for name in names if isinstance(name, str) and name]


def _listed(names: List[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
