"""Raw answers of a real vLLM 0.26 server, put back into the HTTP that they came in."""

import json
import os
from typing import List

_PATH = os.path.join(os.path.dirname(__file__), "..", "fixtures", "vllm-0.26-h200", "server", "http.json")


def recorded(name: str) -> dict:
    with open(_PATH, encoding="utf-8") as file:
        return next(answer for answer in json.load(file) if answer["name"] == name)


def events(name: str) -> List[bytes]:
    return [part + b"\n\n" for part in recorded(name)["response"].encode("utf-8").split(b"\n\n") if part]


def chunk(payload: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(payload), payload)


def stream(payloads: List[bytes], extra_headers: bytes = b"") -> bytes:
    """An event stream, a chunk a payload."""
    head = (
        b"HTTP/1.1 200 OK\r\ndate: Sat, 21 Nov 2026 12:00:00 GMT\r\nserver: uvicorn\r\n"
        b"content-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n"
    )
    return head + extra_headers + b"\r\n" + b"".join(map(chunk, payloads)) + b"0\r\n\r\n"


def whole(name: str) -> bytes:
    """An answer with its length, as vLLM gives errors."""
    answer = recorded(name)
    body = answer["response"].encode("utf-8")
    head = "HTTP/1.1 %d X\r\nserver: uvicorn\r\ncontent-length: %d\r\ncontent-type: application/json\r\n\r\n"
    return (head % (answer["status"], len(body))).encode("ascii") + body


COMPLETION = "completion-stream-continuous-usage"
ERROR_IN_STREAM = "completion-stream"
