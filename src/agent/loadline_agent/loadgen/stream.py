"""The state of one stream of the closed loop."""

import socket
from typing import Any, Optional

from .response import ResponseReader


class Stream:
    """Its connection is kept from request to request. The loop moves it; this only holds."""

    __slots__ = (
        "socket",
        "receive",
        "descriptor",
        "connecting",
        "writing",
        "reused",
        "index",
        "request",
        "outgoing",
        "retried",
        "reader",
        "one_event_a_read",
        "chunks",
        "first",
        "last",
    )

    def __init__(self) -> None:
        self.socket: Optional[socket.socket] = None
        #: Bound `recvmsg` of the socket.
        self.receive: Any = None
        self.descriptor = -1
        self.connecting = False
        #: epoll is asked to say when the socket can be written to.
        self.writing = False
        #: The connection has carried an answer before.
        self.reused = False
        #: Of the request in flight; None between requests.
        self.index: Optional[int] = None
        self.request = b""
        self.outgoing = b""
        self.retried = False
        self.reader = ResponseReader()
        self.one_event_a_read = False
        self.chunks = 0
        self.first = 0.0
        self.last = 0.0
