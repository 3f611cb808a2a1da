"""One HTTP request at a time to the engine next door, waiting under the worker's watch."""

import http.client
import io
import json
import socket
import time
from typing import Any, NamedTuple, Optional

from .watch import Watch

LARGEST_ANSWER = 8 << 20


class Answer(NamedTuple):
    status: int
    body: bytes

    def json(self) -> Any:
        try:
            return json.loads(self.body.decode("utf-8"))
        except (ValueError, RecursionError):
            return None


class _Received:
    """What http.client needs of a socket."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._data)


def request(watch: Watch, port: int, api_key: str, path: str, body: Optional[dict], seconds: float) -> Optional[Answer]:
    """None where no complete answer came within `seconds`."""
    end = time.monotonic() + seconds
    payload = b"" if body is None else json.dumps(body).encode()
    head = (
        f"{'GET' if body is None else 'POST'} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n"
        f"Authorization: Bearer {api_key}\r\nContent-Type: application/json\r\nContent-Length: {len(payload)}\r\n\r\n"
    )
    connection = socket.socket()
    try:
        connection.setblocking(False)
        if connection.connect_ex(("127.0.0.1", port)) and not watch.wait(
            end - time.monotonic(), writable=[connection.fileno()]
        ):
            return None
        if connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            return None
        unsent = head.encode() + payload
        while unsent:
            if not watch.wait(end - time.monotonic(), writable=[connection.fileno()]):
                return None
            unsent = unsent[connection.send(unsent) :]
        received = b""
        while len(received) < LARGEST_ANSWER:
            if not watch.wait(end - time.monotonic(), readable=[connection.fileno()]):
                return None
            part = connection.recv(1 << 16)
            if not part:
                return parse(received)
            received += part
        return None
    except OSError:
        # Refused or reset: as good as no answer; the caller sees whether the process is still there.
        return None
    finally:
        connection.close()


def parse(received: bytes) -> Optional[Answer]:
    answer = http.client.HTTPResponse(_Received(received))  # type: ignore[arg-type]
    try:
        answer.begin()
        return Answer(answer.status, answer.read())
    except (http.client.HTTPException, ValueError, OSError):
        return None
