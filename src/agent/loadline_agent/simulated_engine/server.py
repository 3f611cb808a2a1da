"""The HTTP server around the scheduler: one thread, epoll, steps that end at absolute times."""

import json
import select
import socket
import time
from typing import Dict, Optional

from . import answers
from .generation import Generation, Refused, generation_of, tokenized
from .parameters import Parameters
from .scheduler import Scheduler

_READ_BYTES = 65536
_MAX_HEAD_BYTES = 65536
_MAX_BODY_BYTES = 64 * 1024 * 1024
_BACKLOG = 2048

# epoll waits in whole milliseconds: it is left this long before a step's end, and the rest is slept.
_SLEPT_SECONDS = 0.001
# A step that ends later than this is late: the next one then starts from now, not from where it should have.
_LATE_SECONDS = 0.005


class _Connection:
    __slots__ = ("socket", "incoming", "outgoing", "writing", "continued", "closing", "generation")

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        self.incoming = b""
        self.outgoing = bytearray()
        self.writing = False
        self.continued = False
        self.closing = False
        self.generation: Optional[Generation] = None


class Server:
    """Serves on 127.0.0.1 until the process ends. A port in use raises OSError from the constructor."""

    def __init__(self, parameters: Parameters, port: int, api_key: str) -> None:
        self._parameters = parameters
        self._api_key = api_key
        self._scheduler = Scheduler(parameters)
        self._created = int(time.time())
        self._generations = 0
        self._finished = {"stop": 0, "length": 0, "abort": 0}
        self._late_steps = 0
        self._connections: Dict[int, _Connection] = {}
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", port))
        self._listener.listen(_BACKLOG)
        self._listener.setblocking(False)
        self.port = self._listener.getsockname()[1]
        self._epoll = select.epoll()
        self._epoll.register(self._listener.fileno(), select.EPOLLIN)

    def serve(self) -> None:
        clock = time.monotonic
        step_ends: Optional[float] = None
        while True:
            if step_ends is None:
                duration = self._scheduler.begin_step()
                if duration is None:
                    self._poll(-1)
                else:
                    step_ends = clock() + duration
                continue
            remaining = step_ends - clock()
            whole_ms = int((remaining - _SLEPT_SECONDS) * 1000.0)
            if whole_ms > 0:
                # Half a millisecond less, as what is left over is rounded up to a whole one.
                self._poll((whole_ms - 0.5) / 1000.0)
                continue
            self._poll(0)
            remaining = step_ends - clock()
            if remaining > 0:
                time.sleep(remaining)
            self._send_tokens()
            self._poll(0)
            now = clock()
            if now - step_ends > _LATE_SECONDS:
                self._late_steps += 1
                step_ends = now
            duration = self._scheduler.begin_step()
            step_ends = None if duration is None else step_ends + duration

    def _poll(self, timeout: float) -> None:
        for descriptor, mask in self._epoll.poll(timeout):
            if descriptor == self._listener.fileno():
                self._accept()
                continue
            connection = self._connections.get(descriptor)
            if connection is None:
                continue
            if mask & select.EPOLLOUT:
                self._flush(connection)
            if mask & (select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR):
                self._read(connection)

    def _accept(self) -> None:
        while True:
            try:
                connected, _ = self._listener.accept()
            except BlockingIOError:
                return
            except OSError:
                # Out of descriptors, or the client has gone again. The others are served on.
                return
            connected.setblocking(False)
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connections[connected.fileno()] = _Connection(connected)
            self._epoll.register(connected.fileno(), select.EPOLLIN)

    def _read(self, connection: _Connection) -> None:
        try:
            data = connection.socket.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._drop(connection)
            return
        connection.incoming += data
        self._answer_requests(connection)

    def _drop(self, connection: _Connection) -> None:
        descriptor = connection.socket.fileno()
        if self._connections.pop(descriptor, None) is None:
            return
        if connection.generation is not None:
            self._scheduler.remove(connection.generation.sequence)
            connection.generation = None
            self._finished["abort"] += 1
        self._epoll.unregister(descriptor)
        connection.socket.close()

    def _send(self, connection: _Connection, data: bytes) -> None:
        if not connection.outgoing:
            try:
                sent = connection.socket.send(data)
            except BlockingIOError:
                sent = 0
            except OSError:
                self._drop(connection)
                return
            if sent == len(data):
                return
            data = data[sent:]
        # A slow reader: the rest waits here, and the engine goes on without it.
        connection.outgoing += data
        if not connection.writing:
            connection.writing = True
            self._epoll.modify(connection.socket.fileno(), select.EPOLLIN | select.EPOLLOUT)

    def _flush(self, connection: _Connection) -> None:
        try:
            sent = connection.socket.send(connection.outgoing)
        except BlockingIOError:
            return
        except OSError:
            self._drop(connection)
            return
        del connection.outgoing[:sent]
        if not connection.outgoing:
            if connection.closing:
                self._drop(connection)
                return
            connection.writing = False
            self._epoll.modify(connection.socket.fileno(), select.EPOLLIN)

    def _close_after(self, connection: _Connection, data: bytes) -> None:
        connection.closing = True
        self._send(connection, data)
        if not connection.outgoing:
            self._drop(connection)

    def _answer_requests(self, connection: _Connection) -> None:
        """All whole requests that have arrived, one after another; the next waits while one generates."""
        while connection.generation is None and not connection.closing:
            end = connection.incoming.find(b"\r\n\r\n")
            if end < 0:
                if len(connection.incoming) > _MAX_HEAD_BYTES:
                    self._close_after(connection, _refusal(400, "The head of the request is too long."))
                return
            lines = connection.incoming[:end].decode("latin-1").split("\r\n")
            words = lines[0].split(" ")
            headers = {}
            for line in lines[1:]:
                name, _, value = line.partition(":")
                headers[name.strip().lower()] = value.strip()
            length = headers.get("content-length", "0")
            if len(words) != 3 or not words[2].startswith("HTTP/1.") or not length.isdigit():
                self._close_after(connection, _refusal(400, "Invalid HTTP request received."))
                return
            if "transfer-encoding" in headers:
                self._close_after(connection, _refusal(411, "The simulated engine takes requests with a Content-Length."))
                return
            if int(length) > _MAX_BODY_BYTES:
                self._close_after(connection, _refusal(413, "The body of the request is too long."))
                return
            whole = end + 4 + int(length)
            if len(connection.incoming) < whole:
                if headers.get("expect", "").lower() == "100-continue" and not connection.continued:
                    connection.continued = True
                    self._send(connection, answers.CONTINUE)
                return
            body = connection.incoming[end + 4 : whole]
            connection.incoming = connection.incoming[whole:]
            connection.continued = False
            answer = self._answer(connection, words[0], words[1].partition("?")[0], headers, body)
            if headers.get("connection", "").lower() == "close" and answer is not None:
                self._close_after(connection, answer)
            elif answer is not None:
                self._send(connection, answer)

    def _answer(
        self, connection: _Connection, method: str, path: str, headers: Dict[str, str], body: bytes
    ) -> Optional[bytes]:
        """The answer, or None where a generation has begun."""
        if path.startswith("/v1/") and self._api_key and headers.get("authorization") != "Bearer " + self._api_key:
            return answers.document(401, {"error": "Unauthorized"})
        if path in ("/v1/completions", "/v1/chat/completions"):
            if method != "POST":
                return answers.document(405, {"detail": "Method Not Allowed"})
            return self._generate(connection, path, headers, body)
        if path == "/tokenize":
            return self._tokenize(body) if method == "POST" else answers.document(405, {"detail": "Method Not Allowed"})
        if path not in ("/health", "/version", "/v1/models", "/metrics"):
            return answers.document(404, {"detail": "Not Found"})
        if method != "GET":
            return answers.document(405, {"detail": "Method Not Allowed"})
        if path == "/health":
            return answers.whole(200, b"")
        if path == "/version":
            return answers.document(200, {"version": self._parameters.engine_version, "simulated": True})
        if path == "/v1/models":
            return answers.document(200, answers.models(self._parameters, self._created))
        return answers.metrics(self._parameters, self._scheduler, self._finished, self._late_steps)

    def _generate(
        self, connection: _Connection, path: str, headers: Dict[str, str], body: bytes
    ) -> Optional[bytes]:
        self._generations += 1
        try:
            request = json.loads(body.decode("utf-8", "replace"))
            generation = generation_of(request, path, self._parameters, self._generations)
        except ValueError as error:
            return answers.error(400, "The body of the request is not JSON: %s" % error, "Bad Request")
        except Refused as refused:
            if refused.in_stream:
                # As vLLM does with what it finds out only when the stream has begun.
                error_event = answers.event(answers.error_value(*refused.error))
                return answers.STREAM_HEAD + error_event + answers.event(b"[DONE]") + answers.STREAM_END
            return answers.error(*refused.error)
        generation.owner = connection
        generation.close_after = headers.get("connection", "").lower() == "close"
        connection.generation = generation
        self._scheduler.add(generation.sequence)
        return None

    def _tokenize(self, body: bytes) -> bytes:
        try:
            count = tokenized(json.loads(body.decode("utf-8", "replace")))
        except ValueError as error:
            return answers.error(400, "The body of the request is not JSON: %s" % error, "Bad Request")
        except Refused as refused:
            return answers.error(*refused.error)
        most = self._parameters.max_model_len
        return answers.document(200, {"count": count, "max_model_len": most, "tokens": list(range(1000, 1000 + count))})

    def _send_tokens(self) -> None:
        """What the step that ends now has made: one send a stream."""
        for sequence in self._scheduler.end_step():
            generation = sequence.owner
            connection = generation.owner
            if sequence.generated < sequence.output_tokens:
                if generation.streamed:
                    if sequence.generated == 1:
                        self._send(connection, generation.first_bytes())
                    else:
                        self._send(connection, generation.token_bytes)
                continue
            connection.generation = None
            self._finished[generation.finish_reason] += 1
            if generation.close_after:
                self._close_after(connection, generation.last_bytes())
                continue
            self._send(connection, generation.last_bytes())
            if connection.incoming:
                self._answer_requests(connection)


def _refusal(status: int, message: str) -> bytes:
    return answers.document(status, answers.error_value(status, message, "Bad Request"), close=True)
