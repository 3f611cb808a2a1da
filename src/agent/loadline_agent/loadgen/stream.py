"""The state of one stream of the load."""

import select
import socket
from typing import Any, Optional

from .response import ResponseReader


class Stream:
    """Its connection is kept from request to request. The loop moves it; this only holds."""

    __slots__ = (
        "target",
        "socket",
        "receive",
        "descriptor",
        "poller",
        "connecting",
        "writing",
        "reused",
        "serial",
        "at",
        "conversation",
        "request",
        "outgoing",
        "retried",
        "reader",
        "one_event_a_read",
        "chunks",
        "first",
        "last",
    )

    def __init__(self, target: int) -> None:
        #: Which of the engine's copies it speaks with.
        self.target = target
        self.socket: Optional[socket.socket] = None
        #: Bound `recvmsg` of the socket.
        self.receive: Any = None
        self.descriptor = -1
        #: Which of the loop's two it waits in.
        self.poller: Optional[select.epoll] = None
        self.connecting = False
        #: The poller is asked to say when the socket can be written to.
        self.writing = False
        #: The connection has carried an answer before.
        self.reused = False
        #: Serial number of the request in flight, None between requests; its place among the outcomes.
        self.serial: Optional[int] = None
        self.at = -1
        #: What was asked and answered before, where the session has several turns.
        self.conversation = ""
        self.request = b""
        self.outgoing = b""
        self.retried = False
        self.reader = ResponseReader()
        self.one_event_a_read = False
        self.chunks = 0
        self.first = 0.0
        self.last = 0.0
