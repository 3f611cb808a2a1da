"""The closed loop: a fixed number of streams, each sending its next request the instant its last one ended.

One thread, one ``epoll``, one read and one stamp per wake. Where the kernel stamps arriving bytes
(``SO_TIMESTAMPNS``, Linux on TCP), its stamp is the time of an event, so that a busy loop, the waves of a closed loop
above all, does not add itself to what it measures; elsewhere it is the time just after the read. How long after
the kernel the loop came to an event is its *lag*. Events that arrive in one read share a stamp: the gap before
the first of them is counted whole, those between them as 0.
"""

import os
import platform
import select
import socket
import struct
import time
from array import array

from .response import ProtocolError, ResponseReader

_READ_BYTES = 16384
_TICK_SECONDS = 0.1
_PROGRESS_SECONDS = 1.0
_CONNECT_SECONDS = 10.0
_HAD_TO_WAIT_SECONDS = 0.00005

# The generic Linux number and its `struct timespec` of two longs; not on architectures with numbers of their own.
_SO_TIMESTAMPNS = 35
_HAS_GENERIC_NUMBERS = platform.machine() in ("x86_64", "aarch64", "ppc64le", "s390x", "riscv64")
_TIMESPEC = struct.Struct("@ll")
_ANCILLARY_BYTES = socket.CMSG_SPACE(_TIMESPEC.size)

_QUOTE = ord('"')


class Stopped(Exception):
    """``kind`` is `cancelled` or `timeout`."""

    def __init__(self, kind, completed, total):
        Exception.__init__(self, kind)
        self.kind = kind
        self.completed = completed
        self.total = total


class Outcomes(object):
    """What became of the requests of one phase, by their order of sending. Monotonic seconds."""

    def __init__(self, count):
        self.sent = [None] * count
        self.first = [None] * count
        self.last = [None] * count
        self.chunks = [0] * count
        self.answers = [None] * count
        self.failure = [None] * count
        self.gaps = array("f")
        self.lags = array("f")
        self.slept = 0.0
        self.wall = 0.0
        self.cpu = 0.0


class _Stream(object):
    """One of the streams: a connection that is kept from request to request."""

    __slots__ = (
        "socket",
        "receive",
        "descriptor",
        "reused",
        "connecting",
        "writing",
        "outgoing",
        "index",
        "request",
        "retried",
        "reader",
        "simple",
        "chunks",
        "first",
        "last",
    )

    def __init__(self):
        self.socket = None
        self.receive = None
        self.descriptor = -1
        self.reused = False
        self.connecting = False
        self.writing = False
        self.outgoing = b""
        self.index = None
        self.request = b""
        self.retried = False
        self.reader = None
        self.simple = False
        self.chunks = 0
        self.first = None
        self.last = 0.0


class ClosedLoop(object):
    """``run`` drives one phase; connections live from phase to phase until ``close``.

    ``should_stop`` is asked ten times a second, ``on_progress(completed, total)`` told once a second: both run
    within the loop and are to be quick.
    """

    def __init__(self, address, concurrency, api, request_timeout, deadline, should_stop):
        self._family, self._address = address
        self._streams = [_Stream() for _ in range(concurrency)]
        self._marker = b'"text":"' if api == "completions" else b'"content":"'
        self._request_timeout = request_timeout
        self._deadline = deadline
        self._should_stop = should_stop
        self._epoll = select.epoll()
        self._by_descriptor = {}

    def connect(self):
        """Opens all connections beforehand. One that fails is tried again, and counted, with its request."""
        for stream in self._streams:
            if stream.socket is not None:
                continue
            connection = socket.socket(self._family, socket.SOCK_STREAM)
            connection.settimeout(_CONNECT_SECONDS)
            try:
                connection.connect(self._address)
            except OSError:
                connection.close()
                return
            self._adopt(stream, connection, False)

    def close(self):
        for stream in self._streams:
            self._drop(stream)
        self._epoll.close()

    def run(self, make_request, count, on_progress):
        """Sends ``count`` requests, ``make_request(index)`` each, and returns their Outcomes. Raises Stopped."""
        self._make_request = make_request
        self._count = count
        self._issued = 0
        self._completed = 0
        self._to_reconnect = []
        self._outcomes = Outcomes(count)
        begun, cpu = time.monotonic(), time.thread_time()
        for stream in self._streams[:count]:
            self._next(stream)
        self._loop(on_progress)
        self._outcomes.wall = time.monotonic() - begun
        self._outcomes.cpu = time.thread_time() - cpu
        return self._outcomes

    def _loop(self, on_progress):
        clock, wall, unpack = time.monotonic, time.time, _TIMESPEC.unpack
        poll, by_descriptor, marker = self._epoll.poll, self._by_descriptor, self._marker
        marker_size, readable = len(marker), select.EPOLLIN
        outcomes = self._outcomes
        add_gap, add_lag = outcomes.gaps.append, outcomes.lags.append
        slept = 0.0
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
            if self._to_reconnect:
                waiting, self._to_reconnect = self._to_reconnect, []
                for stream in waiting:
                    self._next(stream)
                ready = poll(0)
            else:
                ready = poll(_TICK_SECONDS)
            woken = clock()
            slept += woken - before
            # Without the kernel's stamps: events may have waited since the last look, unless this one had to wait.
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
                    if lag > 0.0:
                        add_lag(lag)
                        now -= lag
                else:
                    add_lag(now - ready_since)
                if stream.simple:
                    # The usual read: exactly one chunk that is exactly one event with a token.
                    size_end = data.find(b"\r\n", 0, 12)
                    size = len(data)
                    try:
                        if (
                            size_end > 0
                            and int(data[:size_end], 16) == size - size_end - 4
                            and data.find(b"\n\n", size_end) == size - 4
                            and data.endswith(b"\r\n")
                        ):
                            at = data.find(marker, size_end)
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
                        pass
                self._received(stream, data, now)
        outcomes.slept = slept
        on_progress(self._completed, self._count)

    def _received(self, stream, data, now):
        """Any read: ends of answers, heads, cut and joined events."""
        if stream.index is None:
            self._drop(stream)
            return
        reader = stream.reader
        if not data:
            tokens = reader.closed()
        else:
            try:
                tokens = reader.feed(data)
            except ProtocolError as error:
                self._finish(stream, ("protocol", str(error)))
                return
        if tokens:
            add_gap = self._outcomes.gaps.append
            if stream.chunks:
                add_gap(now - stream.last)
            else:
                stream.first = now
            for _ in range(tokens - 1):
                add_gap(0.0)
            stream.chunks += tokens
            stream.last = now
        stream.simple = reader.between_events
        if reader.complete:
            self._finish(stream, None)
        elif not data:
            self._lost(stream, None)

    def _not_only_readable(self, stream, mask):
        if stream.connecting:
            if not mask & (select.EPOLLOUT | select.EPOLLHUP | select.EPOLLERR):
                return
            error = stream.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if error:
                self._lost(stream, OSError(error, os.strerror(error)))
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
        if mask & select.EPOLLOUT and stream.socket is not None and stream.outgoing:
            self._send(stream)

    def _next(self, stream):
        """Begins the next request on this stream, if one is left."""
        stream.index = None
        stream.simple = False
        if self._issued == self._count:
            return
        stream.index = self._issued
        self._issued += 1
        stream.request = self._make_request(stream.index)
        stream.retried = False
        self._begin(stream)

    def _begin(self, stream):
        stream.reader = ResponseReader()
        stream.simple = False
        stream.chunks = 0
        stream.first = None
        self._outcomes.sent[stream.index] = time.monotonic()
        if stream.socket is not None:
            self._send_from_start(stream)
            return
        connection = socket.socket(self._family, socket.SOCK_STREAM)
        connection.setblocking(False)
        try:
            connection.connect(self._address)
        except BlockingIOError:
            pass
        except OSError as error:
            connection.close()
            self._finish(stream, ("connect", _describe(error)))
            return
        self._adopt(stream, connection, True)

    def _adopt(self, stream, connection, connecting):
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if _HAS_GENERIC_NUMBERS:
            try:
                connection.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            except OSError:
                pass  # Stamps are then taken after the read.
        stream.socket = connection
        stream.receive = connection.recvmsg
        stream.descriptor = connection.fileno()
        stream.reused = False
        stream.connecting = stream.writing = connecting
        self._by_descriptor[stream.descriptor] = stream
        self._epoll.register(stream.descriptor, select.EPOLLIN | select.EPOLLOUT if connecting else select.EPOLLIN)

    def _send_from_start(self, stream):
        stream.outgoing = stream.request
        self._outcomes.sent[stream.index] = time.monotonic()
        self._send(stream)

    def _send(self, stream):
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

    def _lost(self, stream, error):
        """The connection ended, or was refused."""
        if stream.index is None:
            self._drop(stream)
            return
        if stream.reused and stream.reader.untouched and not stream.retried:
            # The server closed a kept connection just as the request went out: no answer to this one. Once more.
            stream.retried = True
            self._drop(stream)
            self._begin(stream)
            return
        reader = stream.reader
        if reader.untouched:
            failure = ("connect", _describe(error) if error else "the connection was closed before any answer")
        elif error is not None:
            failure = ("incomplete-stream", "%s, after %d events" % (_describe(error), stream.chunks))
        else:
            failure = None
        self._drop(stream)
        self._finish(stream, failure)

    def _drop(self, stream):
        if stream.socket is None:
            return
        self._by_descriptor.pop(stream.descriptor, None)
        self._epoll.unregister(stream.descriptor)
        stream.socket.close()
        stream.socket = None
        stream.connecting = False
        stream.outgoing = b""

    def _finish(self, stream, failure):
        """The request has ended; ``failure`` None: as the answer itself says."""
        outcomes, index, reader = self._outcomes, stream.index, stream.reader
        if failure is not None or not reader.complete or not reader.keep_alive or stream.outgoing:
            self._drop(stream)
        stream.reused = True
        outcomes.chunks[index] = stream.chunks
        if stream.chunks:
            outcomes.first[index] = stream.first
            outcomes.last[index] = stream.last
        outcomes.failure[index] = failure
        outcomes.answers[index] = reader
        self._completed += 1
        if stream.socket is not None:
            self._next(stream)
        else:
            # Not from here: a server that refuses at once would have this call itself for each request.
            stream.index = None
            self._to_reconnect.append(stream)

    def _tick(self, now):
        if self._should_stop():
            raise Stopped("cancelled", self._completed, self._count)
        if now >= self._deadline:
            raise Stopped("timeout", self._completed, self._count)
        for stream in self._streams:
            index = stream.index
            if index is None:
                continue
            if now - self._outcomes.sent[index] > self._request_timeout:
                message = "no end after %g s, %d events" % (self._request_timeout, stream.chunks)
                self._finish(stream, ("timeout", message))


def _describe(error):
    return error.strerror or str(error)
