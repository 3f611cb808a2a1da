"""Requests and their streams: what begins when, what an answer makes of its stream, what is begun next."""

import os
import select
import socket
import time
from heapq import heappop, heappush
from typing import Any, Dict, List, Optional, Sequence, Tuple

from .connections import Address, TlsSocket, open_socket, wrapped
from .outcomes import Outcomes
from .pacing import Pacing
from .requests import RequestFactory
from .response import ProtocolError, ResponseReader
from .stream import Stream

_CONNECT_SECONDS = 10.0
_NEVER = float("inf")
# Sent at a time, before the loop looks for answers again.
_BEGUN_AT_ONCE = 64
# Of a phase whose number of streams is not known beforehand, as many as this are opened before it begins.
_MOST_OPENED_BEFORE = 4096


class Traffic:
    """Between the loop, which moves bytes and stamps them, and the pacing, which says what is to come."""

    def __init__(self, addresses: Sequence[Address], streamed: bool) -> None:
        self._addresses = addresses
        self._streamed = streamed
        #: False for a server that never sends [DONE].
        self.marked_end = True
        #: Streams that wait for a first token wait in `urgent`, which itself waits in `poller`.
        self.poller = select.epoll()
        self.urgent = select.epoll()
        self.poller.register(self.urgent.fileno(), select.EPOLLIN)
        self.by_descriptor: Dict[int, Stream] = {}
        self.streams: List[Stream] = []
        #: By target: streams without a request.
        self._idle: List[List[Stream]] = [[] for _ in addresses]

    # Phases

    def open_streams(self, count: int) -> None:
        """Opens connections beforehand, as many to each target. What fails here is tried again, and counted, with a
        request."""
        while len(self.streams) < min(count, _MOST_OPENED_BEFORE):
            self._add_stream(len(self.streams) % len(self._addresses))
        for stream in self.streams:
            address = self._addresses[stream.target]
            if stream.socket is not None:
                continue
            connection: Any = None
            try:
                connection = open_socket(address)
                connection.settimeout(_CONNECT_SECONDS)
                connection.connect(address.address)
                if address.target.tls:
                    connection = wrapped(connection, address.target)
                    connection.handshake()
            except OSError:
                if connection is not None:
                    connection.close()
                return
            connection.setblocking(False)
            self._adopt(stream, connection, connecting=False)

    def close(self) -> None:
        for stream in self.streams:
            self._drop(stream)
        self.urgent.close()
        self.poller.close()

    def prepare(self, factory: RequestFactory, pacing: Pacing, begin: float) -> None:
        self.outcomes = Outcomes()
        self.completed = self.in_flight = self._firsts = 0
        self.total = pacing.count
        self._factory, self._pacing, self._begun = factory, pacing, begin
        self._until = _NEVER if pacing.seconds is None else begin + pacing.seconds
        self._most = pacing.most_in_flight or _NEVER
        #: When the last request in flight made place for another, where only so many may be.
        self._place_free = begin
        self._sessions, self._offsets = pacing.sessions, pacing.offsets
        self._next_session = 0
        self._next_target = 0
        self._keeps_answers = not pacing.following.never
        #: Due time, serial, stream: users that begin or think, and streams that were dropped.
        self._waiting: List[Tuple[float, int, Stream]] = []
        for idle, target in zip(self._idle, range(len(self._addresses))):
            idle[:] = [stream for stream in self.streams if stream.target == target]
        if pacing.offsets is None:
            for user in range(pacing.users):
                due = begin + pacing.ramp_seconds * user / pacing.users
                heappush(self._waiting, (due, self._take_session(), self._idle_stream(user % len(self._addresses))))
        self._plan()

    @property
    def unfinished(self) -> bool:
        return self.in_flight > 0 or self.next_due < _NEVER

    def sample(self, now: float) -> None:
        self.outcomes.samples.append((now, len(self.outcomes.gaps) + self._firsts, self.in_flight))
        if now >= self._until and self.next_due < _NEVER:
            self._leave_the_rest()

    # Begin

    def start_due(self, now: float) -> None:
        """Begins what is due, as far as it may be in flight, and works out what is next."""
        for _ in range(_BEGUN_AT_ONCE):
            if now >= self._until:
                self._leave_the_rest()
                return
            if self.in_flight >= self._most:
                break
            session_due = self._session_due()
            if self._waiting and self._waiting[0][0] <= min(now, session_due):
                due, serial, stream = heappop(self._waiting)
                self._begin_due(stream, serial, due)
            elif session_due <= now:
                stream = self._idle_stream(self._next_target)
                self._next_target = (self._next_target + 1) % len(self._addresses)
                self._begin_due(stream, self._take_session(), session_due)
            else:
                break
        self._plan()

    def _begin_due(self, stream: Stream, serial: int, due: float) -> None:
        if self._offsets is None:
            self._begin(stream, serial, None)
            return
        self._begin(stream, serial, due)
        self.outcomes.begin_delays.append(time.monotonic() - max(due, self._place_free))

    def _plan(self) -> None:
        if self.in_flight >= self._most:
            self.next_due = _NEVER
            return
        self.next_due = min(self._session_due(), self._waiting[0][0] if self._waiting else _NEVER)

    def _session_due(self) -> float:
        """Of an open loop; a closed one's sessions wait for users."""
        if self._offsets is None or self._next_session >= len(self._sessions):
            return _NEVER
        return self._begun + self._offsets[self._next_session]

    def _take_session(self) -> int:
        serial = self._sessions[self._next_session]
        self._next_session += 1
        return serial

    def _leave_the_rest(self) -> None:
        """The time is over: what is due is not sent any more."""
        if self._offsets is not None:
            now = self._until - self._begun
            rest = self._offsets[self._next_session :]
            self.outcomes.unsent += sum(1 for offset in rest if offset < now)
            self._next_session = len(self._sessions)
        self._sessions = self._sessions[: self._next_session]
        self._waiting = []
        self.next_due = _NEVER

    def _idle_stream(self, target: int) -> Stream:
        idle = self._idle[target]
        return idle.pop() if idle else self._add_stream(target)

    def _add_stream(self, target: int) -> Stream:
        stream = Stream(target)
        self.streams.append(stream)
        return stream

    def _begin(self, stream: Stream, serial: int, scheduled: Optional[float]) -> None:
        stream.serial = serial
        if self._keeps_answers:
            stream.conversation = self._factory.conversation(serial, stream.conversation)
            stream.request = self._factory.request_of(stream.conversation, serial, stream.target)
        else:
            stream.request = self._factory.request(serial, stream.target)
        stream.retried = False
        stream.at = self.outcomes.begin(serial, scheduled, stream.target, self._pacing.following.turn(serial))
        self.in_flight += 1
        self._begin_again(stream)

    def _begin_again(self, stream: Stream) -> None:
        stream.reader = ResponseReader(self._streamed, self._keeps_answers, self.marked_end)
        stream.one_event_a_read = False
        stream.chunks = 0
        if stream.socket is not None:
            self._move(stream, self.urgent)
            self._send_from_start(stream)
            return
        # Until there is a connection, for the time-out; then the request's own.
        self.outcomes.sent[stream.at] = time.monotonic()
        address, connection = self._addresses[stream.target], None
        try:
            connection = open_socket(address)
            connection.connect(address.address)
        except BlockingIOError:
            pass
        except OSError as error:
            if connection is not None:
                connection.close()
            self.finish(stream, ("connect", _words(error)))
            return
        self._adopt(stream, connection, connecting=True)

    # Connections

    def _adopt(self, stream: Stream, connection: Any, connecting: bool) -> None:
        stream.socket = connection
        stream.receive = getattr(connection, "recvmsg", None)
        stream.descriptor = connection.fileno()
        stream.reused = False
        stream.connecting = stream.writing = connecting
        stream.poller = self.urgent
        self.by_descriptor[stream.descriptor] = stream
        self.urgent.register(stream.descriptor, _events(connecting))

    def _move(self, stream: Stream, poller: select.epoll) -> None:
        if stream.poller is not poller:
            stream.poller.unregister(stream.descriptor)
            poller.register(stream.descriptor, _events(stream.writing))
            stream.poller = poller

    def connected(self, stream: Stream, mask: int) -> None:
        """The connection is there, or is not to be had, or its handshake goes on."""
        try:
            if not isinstance(stream.socket, TlsSocket):
                if not mask & (select.EPOLLOUT | select.EPOLLHUP | select.EPOLLERR):
                    return
                number = stream.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if number:
                    raise OSError(number, os.strerror(number))
                target = self._addresses[stream.target].target
                if target.tls is not None:
                    stream.socket = wrapped(stream.socket, target)
                    stream.receive = stream.socket.recvmsg
            if isinstance(stream.socket, TlsSocket):
                wants = stream.socket.handshake()
                if wants != "done":
                    self._ask_writable(stream, wants == "write")
                    return
        except OSError as error:
            self.lost(stream, error)
            return
        stream.connecting = False
        self._send_from_start(stream)

    def _send_from_start(self, stream: Stream) -> None:
        stream.outgoing = stream.request
        self.outcomes.sent[stream.at] = time.monotonic()
        self.send(stream)

    def send(self, stream: Stream) -> None:
        try:
            sent = stream.socket.send(stream.outgoing)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self.lost(stream, error)
            return
        stream.outgoing = stream.outgoing[sent:]
        self._ask_writable(stream, bool(stream.outgoing))

    def _ask_writable(self, stream: Stream, writing: bool) -> None:
        if writing != stream.writing:
            stream.writing = writing
            stream.poller.modify(stream.descriptor, _events(writing))

    def _drop(self, stream: Stream) -> None:
        if stream.socket is None:
            return
        del self.by_descriptor[stream.descriptor]
        stream.poller.unregister(stream.descriptor)
        stream.socket.close()
        stream.socket = None
        stream.connecting = False
        stream.outgoing = b""

    # Answers

    def received(self, stream: Stream, data: bytes, now: float, doubt: float) -> None:
        """Any read but the usual one: heads and ends of answers, cut and joined events, the end of the connection (no
        data). `doubt`: seconds by which the stamp may be late of what is not the last of these bytes; negative: of all."""
        if stream.serial is None:
            self._drop(stream)
            return
        reader = stream.reader
        try:
            tokens = reader.feed(data) if data else reader.closed()
        except ProtocolError as error:
            self.finish(stream, ("protocol", str(error)))
            return
        if tokens:
            if stream.chunks:
                self.outcomes.gaps.append(now - stream.last)
            else:
                stream.first = now
                self.outcomes.first_company[stream.at] = tokens - 1
                if doubt < 0.0 or tokens > 1 or not reader.token_was_last:
                    self.outcomes.first_doubt[stream.at] = abs(doubt)
                self._firsts += 1
                self._move(stream, self.poller)
            self.outcomes.gaps.extend([0.0] * (tokens - 1))
            stream.chunks += tokens
            stream.last = now
        stream.one_event_a_read = reader.between_events and stream.chunks > 0
        if reader.complete:
            self.finish(stream, None)
        elif not data:
            self.lost(stream, None)

    def lost(self, stream: Stream, error: Optional[OSError]) -> None:
        """The connection broke (`error`) or was closed before the answer was whole."""
        if stream.serial is None:
            self._drop(stream)
            return
        reader = stream.reader
        if reader.untouched and stream.reused and not stream.retried:
            # The server closed a kept connection just as the request went out. That is no answer to it: once more.
            stream.retried = True
            self._drop(stream)
            self._begin_again(stream)
            return
        failure = None
        if reader.untouched:
            failure = ("connect", _words(error) if error else "the connection was closed before any answer")
        elif error is not None:
            failure = ("incomplete-stream", f"{_words(error)}, after {stream.chunks} events")
        self.finish(stream, failure)

    def finish(self, stream: Stream, failure: Optional[Tuple[str, str]]) -> None:
        """The request has ended. `failure` None: its answer says how."""
        outcomes, at, reader, serial = self.outcomes, stream.at, stream.reader, stream.serial
        outcomes.answers[at] = reader
        outcomes.failure[at] = failure
        outcomes.chunks[at] = stream.chunks
        if stream.chunks:
            outcomes.first[at] = stream.first
            outcomes.last[at] = stream.last
        self.completed += 1
        self.in_flight -= 1
        stream.serial = None
        kept = failure is None and reader.complete and reader.keep_alive and not stream.outgoing
        if kept:
            stream.reused = True
        else:
            self._drop(stream)
        if self._keeps_answers and self._next_turn(stream, serial, failure):
            return
        if self._offsets is not None or self._next_session >= len(self._sessions):
            self._idle[stream.target].append(stream)
            if self.in_flight == self._most - 1:
                self._place_free = time.monotonic()
                self._plan()
            return
        now = time.monotonic()
        if now >= self._until:
            self._leave_the_rest()
        elif kept:
            self._begin(stream, self._take_session(), None)
        else:
            # Begun from the loop and not from here: a server that refuses at once would have this recurse.
            self._wait_for(stream, self._take_session(), now)

    def _next_turn(self, stream: Stream, serial: int, failure: Optional[Tuple[str, str]]) -> bool:
        """Whether the session goes on. One whose answer failed does not: there is nothing to go on from."""
        following = self._pacing.following.next(serial)
        conversation, stream.conversation = stream.conversation, ""
        if following is None:
            return False
        now = time.monotonic()
        if failure is not None or stream.reader.failure(stream.chunks) is not None or now >= self._until:
            while following is not None:
                self.total -= 1
                following = self._pacing.following.next(following)
            return False
        answer = stream.reader.answer(self._factory.answers_are_ids)
        stream.conversation = self._factory.with_answer(conversation, answer, serial)
        due = self._begun + self._pacing.following.due(following, now - self._begun)
        self._wait_for(stream, following, due)
        return True

    def _wait_for(self, stream: Stream, serial: int, due: float) -> None:
        heappush(self._waiting, (due, serial, stream))
        self._plan()


def _events(writing: bool) -> int:
    return select.EPOLLIN | select.EPOLLOUT if writing else select.EPOLLIN


def _words(error: OSError) -> str:
    return error.strerror or str(error)
