"""The loop that drives streams: one thread, one read and one stamp per wake.

Where the kernel stamps arriving bytes (SO_TIMESTAMPNS, Linux), its stamp is the time of an event: a loop that is behind,
as any is in the waves of a closed loop, does not add itself to what it measures. Elsewhere it is the time just after the
read. How long after the kernel the loop came to an event is its *lag*. Events that arrive in one read share its stamp,
which is that of its last segment: the gap before the first of them is counted whole, those between them as 0.

Streams that wait for their first token are read before all others, and only parsed when none of them has more to read:
a first token that shared its read with the second would be stamped as late as that one. Where that happens all the same,
or there is no kernel stamp, the doubt is kept with the stamp: since when the bytes may have been there.
"""

import select
import time
from collections import deque
from typing import Any, Callable, Deque, Dict, List, Sequence, Tuple

from .connections import ANCILLARY_BYTES, TIMESPEC, Address
from .outcomes import Outcomes
from .pacing import Pacing
from .requests import RequestFactory
from .stream import Stream
from .traffic import Traffic

_READ_BYTES = 16384
_TICK_SECONDS = 0.1
_PROGRESS_SECONDS = 1.0
# A poll that took longer than this, and this for each event that it told of, had to wait: nothing was ready before.
_HAD_TO_WAIT_SECONDS = 0.00005
_TELLING_SECONDS = 0.000002
# Events that are handled before the loop looks again for what is due; a power of two less one, for what is more urgent.
_EVENTS_A_POLL = 512
_LOOK_EVERY = 63
# The kernel stamps by the wall clock. A stamp older than this is of a clock that was set meanwhile, or of a loop that is
# hopelessly behind: it counts as none.
_OLDEST_STAMP_SECONDS = 1.0

_QUOTE = ord('"')


class Stopped(Exception):
    """`kind` is `cancelled` or `timeout`. `outcomes`: what was measured until then."""

    def __init__(self, kind: str, completed: int, total: int, outcomes: Outcomes) -> None:
        super().__init__(kind)
        self.kind = kind
        self.completed = completed
        self.total = total
        self.outcomes = outcomes


class Loop(Traffic):
    """`run` drives one phase; connections live from phase to phase until `close`."""

    def __init__(
        self,
        addresses: Sequence[Address],
        api: str,
        request_timeout: float,
        deadline: float,
        should_stop: Callable[[], bool],
        streamed: bool = True,
    ) -> None:
        super().__init__(addresses, streamed)
        self._marker = b'"text":"' if api == "completions" else b'"content":"'
        self._request_timeout = request_timeout
        self._deadline = deadline
        self._should_stop = should_stop

    def run(
        self,
        factory: RequestFactory,
        pacing: Pacing,
        on_progress: Callable[[int, int], None],
        begin: float = 0.0,
    ) -> Outcomes:
        """Sends what `pacing` says. Raises Stopped.

        `begin`: from this monotonic time on, also where it is past: all parts of a load have one schedule. 0: from now on.
        """
        started, cpu = time.monotonic(), time.thread_time()
        self.prepare(factory, pacing, begin or started)
        self._slept = 0.0
        self._unstamped = 0
        try:
            self._loop(on_progress)
        finally:
            outcomes = self.outcomes
            outcomes.wall = time.monotonic() - started
            outcomes.cpu = time.thread_time() - cpu
            outcomes.slept = self._slept
            outcomes.unstamped = self._unstamped
        return outcomes

    def _loop(self, on_progress: Callable[[int, int], None]) -> None:
        clock, wall, unpack = time.monotonic, time.time, TIMESPEC.unpack
        poll, by_descriptor, marker = self.poller.poll, self.by_descriptor, self._marker
        marker_size, readable, urgent = len(marker), select.EPOLLIN, self.urgent.fileno()
        add_gap, add_lag = self.outcomes.gaps.append, self.outcomes.lags.append
        next_tick = next_progress = drained = clock()
        while self.unfinished:
            before = clock()
            if before >= self.next_due:
                self.start_due(before)
                before = clock()
            if before >= next_tick:
                next_tick = before + _TICK_SECONDS
                self._tick(before)
                if before >= next_progress:
                    next_progress = before + _PROGRESS_SECONDS
                    on_progress(self.completed, self.total)
                before = clock()
            ready = self._wait(before, poll)
            woken = clock()
            self._slept += woken - before
            # Bytes that are there now have not been there before this: nothing was ready when this poll began, or
            # the last one that told of all.
            if woken - before > _HAD_TO_WAIT_SECONDS + len(ready) * _TELLING_SECONDS:
                drained = woken
            ready_since = self._ready_since = drained
            if len(ready) < _EVENTS_A_POLL:
                drained = before if drained < before else drained
            handled = 0
            for descriptor, mask in ready:
                handled += 1
                if not handled & _LOOK_EVERY or descriptor == urgent:
                    self._take_first_tokens()
                    if descriptor == urgent:
                        continue
                stream = by_descriptor.get(descriptor)
                if stream is None:
                    continue
                if mask != readable or stream.connecting:
                    self._not_only_readable(stream, mask)
                    continue
                try:
                    data, ancillary, _, _ = stream.receive(_READ_BYTES, ANCILLARY_BYTES)
                except BlockingIOError:
                    continue
                except OSError as error:
                    self.lost(stream, error)
                    continue
                now = clock()
                lag = -1.0
                if ancillary:
                    seconds, nanoseconds = unpack(ancillary[0][2])
                    lag = (wall() - seconds) - nanoseconds * 1e-9
                if 0.0 < lag < _OLDEST_STAMP_SECONDS:
                    add_lag(lag)
                    now -= lag
                else:
                    self._unstamped += 1
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
                                add_gap(now - stream.last)
                                stream.chunks += 1
                                stream.last = now
                                stream.reader.last_token_event = data
                                continue
                    except ValueError:
                        pass  # Not a chunk size: for the reader to say.
                self.received(stream, data, now, 0.0)
        on_progress(self.completed, self.total)

    def _wait(self, before: float, poll: Callable[[float, int], List[Tuple[int, int]]]) -> List[Tuple[int, int]]:
        """Until something is ready or due. epoll waits in whole milliseconds: what is left is waited for by select."""
        seconds = self.next_due - before
        if seconds >= _TICK_SECONDS:
            return poll(_TICK_SECONDS, _EVENTS_A_POLL)
        milliseconds = int(seconds * 1000.0)
        if milliseconds > 0:
            return poll(milliseconds / 1000.0, _EVENTS_A_POLL)
        if seconds > 0.0 and self.poller.fileno() < _SELECT_DESCRIPTORS:
            select.select([self.poller.fileno()], [], [], seconds)
        return poll(0, _EVENTS_A_POLL)

    def _take_first_tokens(self) -> None:
        """Reads every stream that waits for its first token and has bytes, then parses what was read."""
        clock, wall, poll = time.monotonic, time.time, self.urgent.poll
        add_lag = self.outcomes.lags.append
        read: Deque[Tuple[Stream, Any, bytes, float, float]] = deque()
        since = self._ready_since
        while True:
            asked = clock()
            ready = poll(0, _EVENTS_A_POLL)
            for descriptor, mask in ready:
                stream = self.by_descriptor.get(descriptor)
                if stream is None:
                    continue
                if mask != select.EPOLLIN or stream.connecting:
                    self._not_only_readable(stream, mask)
                    continue
                try:
                    data, ancillary, _, _ = stream.receive(_READ_BYTES, ANCILLARY_BYTES)
                except BlockingIOError:
                    continue
                except OSError as error:
                    self.lost(stream, error)
                    continue
                now = clock()
                lag = -1.0
                if ancillary:
                    seconds, nanoseconds = TIMESPEC.unpack(ancillary[0][2])
                    lag = (wall() - seconds) - nanoseconds * 1e-9
                # At most: since the bytes were not there. Of a stamped read it counts only where the token was not last.
                doubt = now - since
                if 0.0 < lag < _OLDEST_STAMP_SECONDS:
                    add_lag(lag)
                    now -= lag
                    doubt = max(0.0, doubt - lag)
                else:
                    self._unstamped += 1
                    add_lag(doubt)
                    doubt = -doubt
                read.append((stream, stream.socket, data, now, doubt))
            if len(ready) == _EVENTS_A_POLL:
                continue
            since = asked
            for _ in range(min(len(read), _LOOK_EVERY)):
                stream, connection, data, now, doubt = read.popleft()
                if stream.socket is connection:
                    self.received(stream, data, now, doubt)
            if not read:
                self._ready_since = since
                return

    def _not_only_readable(self, stream: Stream, mask: int) -> None:
        if stream.connecting:
            self.connected(stream, mask)
            return
        if mask & (select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR):
            try:
                data = stream.socket.recv(_READ_BYTES)
            except BlockingIOError:
                data = None
            except OSError as error:
                self.lost(stream, error)
                return
            if data is not None:
                now = time.monotonic()
                self._unstamped += 1
                self.received(stream, data, now, self._ready_since - now)
        if mask & select.EPOLLOUT and stream.outgoing:
            self.send(stream)

    def _tick(self, now: float) -> None:
        if self._should_stop():
            raise Stopped("cancelled", self.completed, self.total, self.outcomes)
        if now >= self._deadline:
            raise Stopped("timeout", self.completed, self.total, self.outcomes)
        self.sample(now)
        for stream in self.streams:
            if stream.serial is not None and now - self.outcomes.sent[stream.at] > self._request_timeout:
                message = f"no end after {self._request_timeout:g} s, {stream.chunks} events with a token"
                self.finish(stream, ("timeout", message))


# What select can wait for.
_SELECT_DESCRIPTORS = 1024
