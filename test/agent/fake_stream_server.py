"""A fake inference server that does exactly as it is told: bytes in, bytes out, on raw sockets. It knows no HTTP but
where a request ends."""

import socket
import struct
import threading
from typing import Callable, List


class Exchange:
    """One request as the script sees it."""

    def __init__(self, connection: socket.socket, number: int, connection_number: int, request: bytes) -> None:
        self.connection = connection
        #: Of all requests, and of all connections, from 0.
        self.number = number
        self.connection_number = connection_number
        self.request = request

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def close(self) -> None:
        self.connection.shutdown(socket.SHUT_RDWR)

    def reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


class FakeStreamServer:
    """Runs `script(exchange)` for each request, a thread a connection. Use as a context manager."""

    def __init__(
        self,
        script: Callable[[Exchange], None],
        wrap: Callable[[socket.socket], socket.socket] = lambda connection: connection,
    ) -> None:
        self._script = script
        #: Of an accepted connection, in its own thread: TLS.
        self._wrap = wrap
        self._lock = threading.Lock()
        self._threads: List[threading.Thread] = []
        self._connections: List[socket.socket] = []
        self.requests = 0
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(256)
        self.port = self._listener.getsockname()[1]

    @property
    def connections(self) -> int:
        return len(self._connections)

    def __enter__(self) -> "FakeStreamServer":
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        # Nothing is accepted any more when it has ended: the connections below are then all of them.
        self._threads[0].join()
        self._listener.close()
        for connection in self._connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in self._threads:
            thread.join()
        for connection in self._connections:
            connection.close()

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connections.append(connection)
            self._start(self._serve, connection, len(self._connections) - 1)

    def _serve(self, connection: socket.socket, connection_number: int) -> None:
        data = b""
        try:
            connection = self._connections[connection_number] = self._wrap(connection)
            while True:
                received = connection.recv(65536)
                if not received:
                    return
                data += received
                head, end, body = data.partition(b"\r\n\r\n")
                if not end or len(body) < _length(head):
                    continue
                with self._lock:
                    number = self.requests
                    self.requests += 1
                data = b""
                self._script(Exchange(connection, number, connection_number, head + end + body))
        except OSError:
            return


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return int(line.split(b":")[1])
    return 0
