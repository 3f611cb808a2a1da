"""One HTTP request at a time to an engine, waiting under the worker's watch."""

import http.client
import io
import json
import socket
import ssl
import time
from typing import Any, NamedTuple, Optional

from .watch import Watch

LARGEST_ANSWER = 8 << 20

#: What an encrypted request may block the worker for at a time: it does not wait under the watch.
LONGEST_BLOCKED_SECONDS = 30.0


class Address(NamedTuple):
    """Where an engine answers, and the key that it asks for."""

    host: str
    port: int
    api_key: Optional[str] = None
    tls: bool = False
    #: What stands before `/v1` and `/health`.
    path: str = ""

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}{self.path}"

    def headers(self) -> dict:
        return {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}


class Answer(NamedTuple):
    status: int
    body: bytes

    def json(self) -> Any:
        try:
            return json.loads(self.body.decode("utf-8"))
        except (ValueError, RecursionError):
            return None

    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


class _Received:
    """What http.client needs of a socket."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._data)


def request(watch: Watch, address: Address, path: str, body: Optional[dict], seconds: float) -> Optional[Answer]:
    """None where no complete answer came within `seconds`."""
    if address.tls:
        watch.check()
        return blocking_request(address, path, body, min(seconds, LONGEST_BLOCKED_SECONDS))
    end = time.monotonic() + seconds
    payload = b"" if body is None else json.dumps(body).encode()
    head = "".join(f"{name}: {value}\r\n" for name, value in address.headers().items())
    head = (
        f"{'GET' if body is None else 'POST'} {address.path}{path} HTTP/1.1\r\nHost: {address.url.split('/')[2]}\r\n"
        f"Connection: close\r\n{head}Content-Type: application/json\r\nContent-Length: {len(payload)}\r\n\r\n"
    )
    try:
        family, _, _, _, where = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0]
    except OSError:
        return None
    connection = socket.socket(family)
    try:
        connection.setblocking(False)
        if connection.connect_ex(where) and not watch.wait(end - time.monotonic(), writable=[connection.fileno()]):
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


def blocking_request(address: Address, path: str, body: Optional[dict], seconds: float) -> Optional[Answer]:
    """For those who have nothing to watch: a process of its own, or a connection that is encrypted."""
    connection: http.client.HTTPConnection
    if address.tls:
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(address.host, address.port, timeout=seconds, context=context)
    else:
        connection = http.client.HTTPConnection(address.host, address.port, timeout=seconds)
    try:
        payload = None if body is None else json.dumps(body).encode()
        headers = {**address.headers(), "Content-Type": "application/json", "Connection": "close"}
        connection.request("GET" if body is None else "POST", address.path + path, payload, headers)
        answer = connection.getresponse()
        return Answer(answer.status, answer.read(LARGEST_ANSWER))
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
