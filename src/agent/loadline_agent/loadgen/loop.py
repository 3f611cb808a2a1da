"""The closed loop: a fixed number of streams, each sending its next request the instant its last one ended.

One thread, one epoll, one read and one stamp per wake. Where the kernel stamps arriving bytes (SO_TIMESTAMPNS, Linux),
its stamp is the time of an event: a loop that is behind, as any is in the waves of a closed loop, does not add itself to
what it measures. Elsewhere it is the time just after the read. How long after the kernel the loop came to an event is
its *lag*. Events that arrive in one read share a stamp: the gap before the first of them is counted whole, those
between them as 0.
"""

import os
import platform
import select
import socket
import struct
import time
from typing import Any, Callable, Dict, List, Optional, Tuple

from .outcomes import Outcomes
from .response import ProtocolError, ResponseReader
from .stream import Stream

_READ_BYTES = 16384
_TICK_SECONDS = 0.1
_PROGRESS_SECONDS = 1.0
_CONNECT_SECONDS = 10.0
# A poll that took longer than this had to wait: nothing was ready before.
_HAD_TO_WAIT_SECONDS = 0.00005

# Linux's generic number and its `struct timespec` of two longs; other architectures have numbers of their own.
_SO_TIMESTAMPNS = 35
_KERNEL_STAMPS = platform.machine() in ("x86_64", "aarch64", "ppc64le", "s390x", "riscv64")
_TIMESPEC = struct.Struct("@ll")
_ANCILLARY_BYTES = socket.CMSG_SPACE(_TIMESPEC.size)

_QUOTE = ord('"')


class Stopped(Exception):
    """`kind` is `cancelled` or `timeout`."""

    def __init__(self, kind: str, completed: int, total: int) -> None:
        super().__init__(kind)
        self.kind = kind
        self.completed = completed
        self.total = total


class ClosedLoop:
    """`run` drives one phase; connections live from phase to phase until `close`."""

    def __init__(
        self,
        family: int,
        address: Any,
        concurrency: int,
        api: str,
        request_timeout: float,
        deadline: float,
        should_stop: Callable[[], bool],
    ) -> None:
        self._family = family
        self._address = address
        self._streams = [Stream() for _ in range(concurrency)]
        self._marker = b'"text":"' if api == "completions" else b'"content":"'
        self._request_timeout = request_timeout
        self._deadline = deadline
        self._should_stop = should_stop
        self._epoll = select.epoll()
        self._by_descriptor: Dict[int, Stream] = {}
        self._to_reconnect: List[Stream] = []
        self._issued = self._completed = self._count = 0

    def connect(self) -> None:
        """Opens the connections beforehand. What fails here is tried again, and counted, with a request."""
        for stream in self._streams:
            try:
                connection = socket.socket(self._family, socket.SOCK_STREAM)
            except OSError:
                return
            connection.settimeout(_CONNECT_SECONDS)
            try:
                connection.connect(self._address)
            except OSError:
                connection.close()
                return
            self._adopt(stream, connection, connecting=False)

    def close(self) -> None:
        for stream in self._streams:
            self._drop(stream)
        self._epoll.close()

    def run(
        self, make_request: Callable[[int], bytes], count: int, on_progress: Callable[[int, int], None]
    ) -> Outcomes:
        """Sends `count` requests, `make_request(index)` each. Raises Stopped."""
        self._make_request = make_request
        self._count = count
        self._issued = self._completed = 0
        self._outcomes = Outcomes(count)
        begun, cpu = time.monotonic(), time.thread_time()
        for stream in self._streams[:count]:
            self._next(stream)
        self._loop(on_progress)
        self._outcomes.wall = time.monotonic() - begun
        self._outcomes.cpu = time.thread_time() - cpu
        return self._outcomes

    def _loop(self, on_progress: Callable[[int, int], None]) -> None:
        clock, wall, unpack = time.monotonic, time.time, _TIMESPEC.unpack
        poll, by_descriptor, marker = self._epoll.poll, self._by_descriptor, self._marker
        marker_size, readable = len(marker), select.EPOLLIN
        add_gap, add_lag = self._outcomes.gaps.append, self._outcomes.lags.append
        slept, unstamped = 0.0, 0
        next_tick = next_progress = before = clock()
        while self._completed < self._count:
            previous, before = before, clock()
            if before >= next_tick:
                next_tick = before + _TICK_SECONDS
                self._tick(before)
                if before >= next_progress:
                    next_progress = before + _PROGRESS_SECONDS
                    on_progress(self._completed, self._count)
                before = clock()
            ready = poll(0 if self._to_reconnect else _TICK_SECONDS)
            woken = clock()
            slept += woken - before
            # Without the kernel's stamps: an event may have waited since the last poll, unless this one had to wait.
            ready_since = woken if woken - before > _HAD_TO_WAIT_SECONDS else previous
            for descriptor, mask in ready:
                stream = by_descriptor.get(descriptor)
                if stream is None:
                    continue
                if mask != readable or stream.connecting:
                    self._not_only_readable(stream, mask)
                    continue
                try:
                    data, ancillary, _, _ = stream.receive(_READ_BYTES, _ANCILLARY_BYTES)
                except BlockingIOError:
                    continue
                except OSError as error:
                    self._lost(stream, error)
                    continue
                now = clock()
                if ancillary:
                    seconds, nanoseconds = unpack(ancillary[0][2])
                    lag = (wall() - seconds) - nanoseconds * 1e-9
                    # Negative only where the wall clock was set back in between.
                    if lag > 0.0:
                        add_lag(lag)
                        now -= lag
                else:
                    unstamped += 1
                    add_lag(now - ready_since)
                if stream.one_event_a_read:
                    # The usual read, told by its bytes: one chunk that is one event with a token, and nothing else.
                    line_end = data.find(b"\r\n", 0, 12)
                    size = len(data)
                    try:
                        if (
                            line_end > 0
                            and int(data[:line_end], 16) == size - line_end - 4
                            and data.find(b"\n\n", line_end) == size - 4
                            and data.endswith(b"\r\n")
                        ):
                            at = data.find(marker, line_end)
                            if at > 0 and data[at + marker_size] != _QUOTE:
                                if stream.chunks:
                                    add_gap(now - stream.last)
                                else:
                                    stream.first = now
                                stream.chunks += 1
                                stream.last = now
                                stream.reader.last_token_event = data
                                continue
                    except ValueError:
                        pass  # Not a chunk size: for the reader to say.
                self._received(stream, data, now)
            if self._to_reconnect:
                waiting, self._to_reconnect = self._to_reconnect, []
                for stream in waiting:
                    self._next(stream)
        self._outcomes.slept = slept
        self._outcomes.unstamped = unstamped
        on_progress(self._completed, self._count)

    def _received(self, stream: Stream, data: bytes, now: float) -> None:
        """Any read: heads and ends of answers, cut and joined events, the end of the connection (no data)."""
        if stream.index is None:
            self._drop(stream)
            return
        reader = stream.reader
        try:
            tokens = reader.feed(data) if data else reader.closed()
        except ProtocolError as error:
            self._finish(stream, ("protocol", str(error)))
            return
        if tokens:
            if stream.chunks:
                self._outcomes.gaps.append(now - stream.last)
            else:
                stream.first = now
            self._outcomes.gaps.extend([0.0] * (tokens - 1))
            stream.chunks += tokens
            stream.last = now
        stream.one_event_a_read = reader.between_events
        if reader.complete:
            self._finish(stream, None)
        elif not data:
            self._lost(stream, None)

    def _not_only_readable(self, stream: Stream, mask: int) -> None:
        if stream.connecting:
            if not mask & (select.EPOLLOUT | select.EPOLLHUP | select.EPOLLERR):
                return
            number = stream.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if number:
                self._lost(stream, OSError(number, os.strerror(number)))
                return
            stream.connecting = False
            self._send_from_start(stream)
            return
        if mask & (select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR):
            try:
                data = stream.socket.recv(_READ_BYTES)
            except BlockingIOError:
                data = None
            except OSError as error:
                self._lost(stream, error)
                return
            if data is not None:
                self._received(stream, data, time.monotonic())
        if mask & select.EPOLLOUT and stream.outgoing:
            self._send(stream)

    def _next(self, stream: Stream) -> None:
        """Begins the next request on this stream, if one is left."""
        stream.index = None
        if self._issued < self._count:
            stream.index = self._issued
            self._issued += 1
            stream.request = self._make_request(stream.index)
            stream.retried = False
            self._begin(stream)

    def _begin(self, stream: Stream) -> None:
        stream.reader = ResponseReader()
        stream.one_event_a_read = False
        stream.chunks = 0
        if stream.socket is not None:
            self._send_from_start(stream)
            return
        # Until there is a connection, for the time-out; then the request's own.
        self._outcomes.sent[stream.index] = time.monotonic()
        connection = None
        try:
            connection = socket.socket(self._family, socket.SOCK_STREAM)
            connection.setblocking(False)
            connection.connect(self._address)
        except BlockingIOError:
            pass
        except OSError as error:
            if connection is not None:
                connection.close()
            self._finish(stream, ("connect", _words(error)))
            return
        self._adopt(stream, connection, connecting=True)

    def _adopt(self, stream: Stream, connection: socket.socket, connecting: bool) -> None:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if _KERNEL_STAMPS:
            try:
                connection.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            except OSError:
                pass  # Not every kernel's imitation has it: stamps are then taken after the read.
        stream.socket = connection
        stream.receive = connection.recvmsg
        stream.descriptor = connection.fileno()
        stream.reused = False
        stream.connecting = stream.writing = connecting
        self._by_descriptor[stream.descriptor] = stream
        self._epoll.register(stream.descriptor, select.EPOLLIN | select.EPOLLOUT if connecting else select.EPOLLIN)

    def _send_from_start(self, stream: Stream) -> None:
        stream.outgoing = stream.request
        self._outcomes.sent[stream.index] = time.monotonic()
        self._send(stream)

    def _send(self, stream: Stream) -> None:
        try:
            sent = stream.socket.send(stream.outgoing)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self._lost(stream, error)
            return
        stream.outgoing = stream.outgoing[sent:]
        if bool(stream.outgoing) != stream.writing:
            stream.writing = not stream.writing
            events = select.EPOLLIN | select.EPOLLOUT if stream.writing else select.EPOLLIN
            self._epoll.modify(stream.descriptor, events)

    def _lost(self, stream: Stream, error: Optional[OSError]) -> None:
        """The connection broke (`error`) or was closed before the answer was whole."""
        if stream.index is None:
            self._drop(stream)
            return
        reader = stream.reader
        if reader.untouched and stream.reused and not stream.retried:
            # The server closed a kept connection just as the request went out. That is no answer to it: once more.
            stream.retried = True
            self._drop(stream)
            self._begin(stream)
            return
        failure = None
        if reader.untouched:
            failure = ("connect", _words(error) if error else "the connection was closed before any answer")
        elif error is not None:
            failure = ("incomplete-stream", f"{_words(error)}, after {stream.chunks} events")
        self._finish(stream, failure)

    def _drop(self, stream: Stream) -> None:
        if stream.socket is None:
            return
        del self._by_descriptor[stream.descriptor]
        self._epoll.unregister(stream.descriptor)
        stream.socket.close()
        stream.socket = None
        stream.connecting = False
        stream.outgoing = b""

    def _finish(self, stream: Stream, failure: Optional[Tuple[str, str]]) -> None:
        """The request has ended. `failure` None: its answer says how."""
        outcomes, index, reader = self._outcomes, stream.index, stream.reader
        outcomes.answers[index] = reader
        outcomes.failure[index] = failure
        outcomes.chunks[index] = stream.chunks
        if stream.chunks:
            outcomes.first[index] = stream.first
            outcomes.last[index] = stream.last
        self._completed += 1
        if failure is None and reader.complete and reader.keep_alive and not stream.outgoing:
            stream.reused = True
            self._next(stream)
        else:
            # Begun from the loop and not from here: a server that refuses at once would have this recurse.
            self._drop(stream)
            stream.index = None
            self._to_reconnect.append(stream)

    def _tick(self, now: float) -> None:
        if self._should_stop():
            raise Stopped("cancelled", self._completed, self._count)
        if now >= self._deadline:
            raise Stopped("timeout", self._completed, self._count)
        for stream in self._streams:
            if stream.index is not None and now - self._outcomes.sent[stream.index] > self._request_timeout:
                message = f"no end after {self._request_timeout:g} s, {stream.chunks} events with a token"
                self._finish(stream, ("timeout", message))


def _words(error: OSError) -> str:
    return error.strerror or str(error)
