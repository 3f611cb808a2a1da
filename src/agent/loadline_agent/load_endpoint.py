"""The `load` verb: the load generator alone, against an endpoint that somebody else started."""

import http.client
import json
import math
import os
from typing import Optional, Tuple
from urllib.parse import urlsplit

from .errors import AgentError, BadRequest
from .loadgen.runner import LoadError, run_load

KEY_VARIABLE = "LOADLINE_API_KEY"
MODELS_SECONDS = 30


def measure_endpoint(request: dict) -> dict:
    host, port = parse_url(request["url"])
    api_key = os.environ.get(KEY_VARIABLE) or None
    model = request["modelName"] if request.get("modelName") else first_model(host, port, api_key)
    try:
        measurement = run_load(host, port, api_key, model, request["load"], lambda *_: None, lambda: False, math.inf)
    except LoadError as error:
        raise AgentError(error.kind, f"{error} (phase {error.phase})") from error
    return {"type": "load-measured", "measurement": measurement}


def parse_url(url: str) -> Tuple[str, int]:
    """`http://host:port`, with or without the `/v1` that OpenAI clients are given."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        port = parts.port
    except ValueError as error:
        raise BadRequest(f"url: {url} is not a URL ({error}).") from error
    if parts.scheme == "https":
        raise BadRequest("url: https is not supported; run the load on the engine's host, against its http port.")
    if parts.scheme != "http" or not parts.hostname or parts.username or parts.query:
        raise BadRequest(f"url: expected http://host:port, got {url}.")
    if parts.path.rstrip("/") not in ("", "/v1"):
        raise BadRequest(
            f"url: the path {parts.path} is not supported; give http://host:port of an OpenAI-compatible server."
        )
    return parts.hostname, port or 80


def first_model(host: str, port: int, api_key: Optional[str]) -> str:
    connection = http.client.HTTPConnection(host, port, timeout=MODELS_SECONDS)
    try:
        connection.request("GET", "/v1/models", headers={"Authorization": f"Bearer {api_key}"} if api_key else {})
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise AgentError(
            "unreachable", f"http://{host}:{port}/v1/models: {error}. Is the engine running there?"
        ) from error
    finally:
        connection.close()
    if answer.status in (401, 403):
        raise AgentError("unauthorized", f"http://{host}:{port} asks for an API key; put it into {KEY_VARIABLE}.")
    try:
        return json.loads(body.decode("utf-8"))["data"][0]["id"]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        raise AgentError(
            "protocol", f"http://{host}:{port}/v1/models answered {answer.status} without a model; give modelName."
        ) from None
