"""Bytes of the answers, shaped as vLLM shapes them. Whoever looks sees `loadline-simulated-engine` in them."""

import json
from typing import Any, Dict, Optional

from .parameters import Parameters
from .scheduler import Scheduler

MARK = "loadline-simulated-engine"

# Every generated token reads the same: the events of a stream can then be made once, not once a token.
_TOKEN_TEXT = " token"
_TOKEN_ID = 1000

_REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    411: "Length Required",
    413: "Payload Too Large",
}

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
STREAM_HEAD = (
    "HTTP/1.1 200 OK\r\nserver: %s\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    "transfer-encoding: chunked\r\n\r\n" % MARK
).encode("ascii")
STREAM_END = b"0\r\n\r\n"


def whole(status: int, body: bytes, content_type: str = "application/json", close: bool = False) -> bytes:
    """A whole answer with its length."""
    head = "HTTP/1.1 %d %s\r\nserver: %s\r\ncontent-type: %s\r\ncontent-length: %d\r\n%s\r\n" % (
        status,
        _REASONS[status],
        MARK,
        content_type,
        len(body),
        "connection: close\r\n" if close else "",
    )
    return head.encode("ascii") + body


def document(status: int, value: Any, close: bool = False) -> bytes:
    return whole(status, _json(value), close=close)


def error(status: int, message: str, kind: str, parameter: Optional[str] = None) -> bytes:
    return document(status, error_value(status, message, kind, parameter))


def error_value(status: int, message: str, kind: str, parameter: Optional[str] = None) -> Dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": parameter, "code": status}}


def chunk(payload: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(payload), payload)


def event(value: Any) -> bytes:
    """A chunk with one event: a document as JSON, bytes as they are."""
    return chunk(b"data: " + (value if isinstance(value, bytes) else _json(value)) + b"\n\n")


def models(parameters: Parameters, created: int) -> Dict[str, Any]:
    return {
        "object": "list",
        "data": [
            {
                "id": parameters.model_name,
                "object": "model",
                "created": created,
                "owned_by": MARK,
                "root": parameters.model_name,
                "parent": None,
                "max_model_len": parameters.max_model_len,
                "permission": [],
            }
        ],
    }


def metrics(parameters: Parameters, scheduler: Scheduler, finished: Dict[str, int], late_steps: int) -> bytes:
    """Prometheus text; the names are vLLM's but for the last, which is ours."""
    labels = 'engine="0",model_name="%s"' % parameters.model_name.replace("\\", "\\\\").replace('"', '\\"')
    rows = (
        ("vllm:num_requests_running", "gauge", "Number of requests in model execution batches.", len(scheduler.running)),
        ("vllm:num_requests_waiting", "gauge", "Number of requests waiting to be processed.", len(scheduler.waiting)),
        ("vllm:kv_cache_usage_perc", "gauge", "KV-cache usage. 1 means 100 percent usage.", scheduler.kv_usage),
        (
            "vllm:num_preemptions_total",
            "counter",
            "Cumulative number of preemption from the engine.",
            scheduler.preemptions,
        ),
        (
            "vllm:prompt_tokens_total",
            "counter",
            "Number of prefill tokens processed.",
            scheduler.prefilled_tokens,
        ),
        (
            "vllm:generation_tokens_total",
            "counter",
            "Number of generation tokens processed.",
            scheduler.generated_tokens,
        ),
    )
    lines = []
    for name, kind, help_text, value in rows:
        lines += ["# HELP %s %s" % (name, help_text), "# TYPE %s %s" % (name, kind)]
        lines.append("%s{%s} %s" % (name, labels, float(value)))
    lines.append("# HELP vllm:request_success_total Count of successfully processed requests.")
    lines.append("# TYPE vllm:request_success_total counter")
    for reason in sorted(finished):
        lines.append('vllm:request_success_total{%s,finished_reason="%s"} %s' % (labels, reason, float(finished[reason])))
    lines.append("# HELP loadline_simulated_late_steps_total Steps that this machine could not end in time.")
    lines.append("# TYPE loadline_simulated_late_steps_total counter")
    lines.append("loadline_simulated_late_steps_total %s" % float(late_steps))
    return whole(200, ("\n".join(lines) + "\n").encode("utf-8"), "text/plain; version=0.0.4; charset=utf-8")


class Completion:
    """The answer to one /v1/completions request. `token_ids`: each event says which it brings."""

    token_ids = False

    def __init__(self, number: int, created: int, model: str) -> None:
        self._common = {"id": "cmpl-%016x" % number, "object": "text_completion", "created": created, "model": model}

    def first_events(self) -> bytes:
        return b""

    def token_event(self, finish_reason: Optional[str] = None) -> bytes:
        return self._event(
            [
                {
                    "index": 0,
                    "text": _TOKEN_TEXT,
                    "logprobs": None,
                    "finish_reason": finish_reason,
                    "stop_reason": None,
                    "prompt_token_ids": None,
                    "token_ids": [_TOKEN_ID] if self.token_ids else None,
                }
            ]
        )

    def usage_event(self, usage: Dict[str, int]) -> bytes:
        return event(dict(self._common, choices=[], usage=usage, system_fingerprint=MARK))

    def whole(self, tokens: int, finish_reason: str, usage: Dict[str, int]) -> bytes:
        choice = {
            "index": 0,
            "text": _TOKEN_TEXT * tokens,
            "logprobs": None,
            "finish_reason": finish_reason,
            "stop_reason": None,
        }
        return document(200, dict(self._common, choices=[choice], system_fingerprint=MARK, usage=usage))

    def _event(self, choices: Any) -> bytes:
        return event(dict(self._common, choices=choices))


class ChatCompletion(Completion):
    """The answer to one /v1/chat/completions request."""

    def __init__(self, number: int, created: int, model: str) -> None:
        self._common = {
            "id": "chatcmpl-%016x" % number,
            "object": "chat.completion.chunk",
            "created": created,
            "model": model,
        }

    def first_events(self) -> bytes:
        return self._delta({"role": "assistant", "content": ""}, None)

    def token_event(self, finish_reason: Optional[str] = None) -> bytes:
        return self._delta({"content": _TOKEN_TEXT}, finish_reason)

    def _delta(self, delta: Dict[str, str], finish_reason: Optional[str]) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason, "token_ids": None}
        return self._event([choice])

    def whole(self, tokens: int, finish_reason: str, usage: Dict[str, int]) -> bytes:
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": _TOKEN_TEXT * tokens, "tool_calls": []},
            "logprobs": None,
            "finish_reason": finish_reason,
            "stop_reason": None,
        }
        value = dict(self._common, object="chat.completion", choices=[choice], system_fingerprint=MARK, usage=usage)
        return document(200, value)


def usage(prompt_tokens: int, completion_tokens: int) -> Dict[str, int]:
    return {
        "prompt_tokens": prompt_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
        "completion_tokens": completion_tokens,
    }


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
