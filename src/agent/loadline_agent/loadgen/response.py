"""One HTTP/1.1 answer of an inference server, read piece by piece, wherever the pieces are cut.

While load runs nothing is parsed as JSON: events that carry a token are recognised by their bytes and counted;
the few that do not (role, finish, usage, error) are kept and parsed when the answer is asked for its outcome.
"""

import json
import re
from typing import Any, List, NamedTuple, Optional, Tuple

# An event carries a token when one of its text fields is not empty, or where an engine has no tokenizer its list of ids.
# The quotes of generated text are escaped in JSON, so such a pattern cannot come out of the text itself.
_TOKEN = re.compile(
    rb'"(?:text|content|reasoning_content|reasoning)"\s*:\s*"[^"]|"token_ids"\s*:\s*\[\s*\d'
).search
_TEXT = re.compile(rb'"(?:text|content)"\s*:\s*"((?:[^"\\]|\\.)*)"').findall
_TOKEN_IDS = re.compile(rb'"token_ids"\s*:\s*\[([^\]]*)\]').findall
_FINISHED = re.compile(rb'"finish_reason"\s*:\s*"').search
_HEX = re.compile(rb"[0-9A-Fa-f]+\Z").match

_MAX_HEAD_BYTES = 65536
_MAX_CHUNK_LINE_BYTES = 4096
_KEPT_BODY_BYTES = 65536
# An answer that is not streamed has its token counts at its end.
_KEPT_WHOLE_ANSWER_BYTES = 8 << 20

# Where in the answer the next byte belongs.
_HEAD, _CHUNK_SIZE, _CHUNK_DATA, _CHUNK_END, _TRAILER, _LENGTH, _UNTIL_CLOSE, _DONE = range(8)


class ProtocolError(Exception):
    """The bytes are not an HTTP/1.1 answer."""


class ResponseReader:
    """`feed` takes bytes and returns how many events with a token ended in them.

    `between_events`: the next byte starts a chunk and an event, so that a read which is exactly one chunk with
    exactly one event may be counted by the caller without coming here (`last_token_event` is then the caller's
    to set). `token_was_last`: the bytes fed last ended with an event that carried a token, so that the time of their
    last byte is the token's.

    `streamed` false: one JSON document is expected in place of a stream. `keeps_answer`: what was generated is kept, and
    every event has to come here. `marked_end` false: the server never sends [DONE]; its last event has usage and a finish reason.
    """

    __slots__ = (
        "status",
        "keep_alive",
        "complete",
        "between_events",
        "untouched",
        "last_token_event",
        "token_was_last",
        "_streamed",
        "_token_events",
        "_state",
        "_buffer",
        "_remaining",
        "_is_event_stream",
        "_event",
        "_saw_done",
        "_marked_end",
        "_usage_event",
        "_error_event",
        "_body",
    )

    def __init__(self, streamed: bool = True, keeps_answer: bool = False, marked_end: bool = True) -> None:
        self.status: Optional[int] = None
        self.keep_alive = True
        self.complete = False
        self.between_events = False
        self.untouched = True
        self.last_token_event = b""
        self.token_was_last = False
        self._streamed = streamed
        self._token_events: Optional[List[bytes]] = [] if keeps_answer else None
        self._state = _HEAD
        self._buffer = b""
        self._remaining = 0
        self._is_event_stream = False
        self._event = b""
        self._saw_done = False
        self._marked_end = marked_end
        self._usage_event: Optional[bytes] = None
        self._error_event: Optional[bytes] = None
        self._body = b""

    def feed(self, data: bytes) -> int:
        """Raises ProtocolError. Bytes after the end of the answer are one: nothing more was asked for."""
        self.untouched = False
        self.token_was_last = False
        if self._buffer:
            data = self._buffer + data
            self._buffer = b""
        position = 0
        if self._state == _HEAD:
            position = self._read_head(data)
            if position < 0:
                return 0
        if self._state == _DONE:
            payload = b""
        elif self._state == _LENGTH:
            payload = data[position : position + self._remaining]
            self._remaining -= len(payload)
            position += len(payload)
            if self._remaining == 0:
                self._state = _DONE
        elif self._state == _UNTIL_CLOSE:
            payload = data[position:]
            position = len(data)
        else:
            payload, position = self._read_chunks(data, position)
        tokens = self._take(payload) if payload else 0
        if self._state == _DONE:
            tokens += self._end_of_body()
            if position < len(data):
                raise ProtocolError("bytes after the end of the answer")
        self.between_events = (
            self._is_event_stream
            and self._state == _CHUNK_SIZE
            and not self._buffer
            and not self._event
            and self._token_events is None
        )
        return tokens

    def closed(self) -> int:
        """The server closed the connection: the end of an answer without framing. Returns events with a token."""
        self.keep_alive = False
        if self._state == _UNTIL_CLOSE:
            return self._end_of_body()
        return 0

    def _end_of_body(self) -> int:
        self._state = _DONE
        self.complete = True
        if not self._streamed and self.status == 200:
            if self._token_events is not None:
                self._token_events.append(self._body)
            return 1 if _TOKEN(self._body) else 0
        rest, self._event = self._event, b""
        return self._take_event(rest) if rest.strip() else 0

    def _read_head(self, data: bytes) -> int:
        """Position after the head, or -1 while it is not whole."""
        position = 0
        while True:
            end = data.find(b"\r\n\r\n", position)
            if end < 0:
                if len(data) > _MAX_HEAD_BYTES:
                    raise ProtocolError("a head of more than %d bytes" % _MAX_HEAD_BYTES)
                if data[:5] != b"HTTP/"[: len(data[:5])]:
                    raise ProtocolError("not an HTTP answer: %s" % ascii(data[:40]))
                self._buffer = data[position:]
                return -1
            lines = data[position:end].split(b"\r\n")
            position = end + 4
            self.status = _status(lines[0])
            if self.status >= 200:
                break
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(b":")
            headers[name.strip().lower()] = value.strip().lower()
        self._is_event_stream = headers.get(b"content-type", b"").startswith(b"text/event-stream")
        connection = headers.get(b"connection", b"")
        self.keep_alive = b"close" not in connection and lines[0].startswith(b"HTTP/1.1")
        if headers.get(b"transfer-encoding", b"").endswith(b"chunked"):
            self._state = _CHUNK_SIZE
        elif self.status in (204, 304):
            self._state = _DONE
        elif b"content-length" in headers:
            try:
                self._remaining = int(headers[b"content-length"])
            except ValueError:
                raise ProtocolError("Content-Length: %s" % ascii(headers[b"content-length"]))
            self._state = _LENGTH if self._remaining > 0 else _DONE
        else:
            self.keep_alive = False
            self._state = _UNTIL_CLOSE
        return position

    def _read_chunks(self, data: bytes, position: int) -> Tuple[bytes, int]:
        """The payload of the chunks in `data` from `position` on, and where reading stopped."""
        pieces = []
        size = len(data)
        while position < size and self._state != _DONE:
            if self._state == _CHUNK_DATA:
                piece = data[position : position + self._remaining]
                pieces.append(piece)
                position += len(piece)
                self._remaining -= len(piece)
                if self._remaining == 0:
                    self._state = _CHUNK_END
                continue
            end = data.find(b"\r\n", position)
            if end < 0:
                if size - position > _MAX_CHUNK_LINE_BYTES:
                    raise ProtocolError("a chunk-size line without an end")
                self._buffer = data[position:]
                position = size
                break
            line = data[position:end]
            position = end + 2
            if self._state == _CHUNK_END:
                if line:
                    raise ProtocolError("a chunk longer than its size says")
                self._state = _CHUNK_SIZE
            elif self._state == _CHUNK_SIZE:
                digits = line.partition(b";")[0].strip()
                if not _HEX(digits):
                    raise ProtocolError("chunk size %s" % ascii(line[:40]))
                self._remaining = int(digits, 16)
                self._state = _CHUNK_DATA if self._remaining else _TRAILER
            elif not line:
                self._state = _DONE
        return (pieces[0] if len(pieces) == 1 else b"".join(pieces)), position

    def _take(self, payload: bytes) -> int:
        if not self._is_event_stream or self.status != 200:
            most = _KEPT_BODY_BYTES if self._streamed else _KEPT_WHOLE_ANSWER_BYTES
            if len(self._body) < most:
                self._body += payload[: most - len(self._body)]
            return 0
        if b"\r" in payload:
            # JSON escapes it within strings: here it can only be half of a line end.
            payload = payload.replace(b"\r", b"")
        events = (self._event + payload).split(b"\n\n")
        self._event = events.pop()
        tokens = taken = 0
        for event in events:
            taken = self._take_event(event)
            tokens += taken
        self.token_was_last = taken > 0 and not self._event
        return tokens

    def _take_event(self, event: bytes) -> int:
        if _TOKEN(event):
            self.last_token_event = event
            if self._token_events is not None:
                self._token_events.append(event)
            return 1
        if b'"usage"' in event:
            self._usage_event = event
        if b"rror" in event and self._error_event is None and _error_of(_json_of(event)) is not None:
            self._error_event = event
        if _data_of(event) == b"[DONE]":
            self._saw_done = True
        return 0

    def usage(self) -> "Usage":
        """From the last event that states it."""
        for event in (self._usage_event, self.last_token_event, None if self._streamed else self._body):
            document = _json_of(event) if event else None
            usage = document.get("usage") if isinstance(document, dict) else None
            if isinstance(usage, dict):
                details = usage.get("prompt_tokens_details")
                cached = details.get("cached_tokens") if isinstance(details, dict) else None
                return Usage(_count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens")), _count(cached))
        return Usage(None, None, None)

    def answer(self, token_ids: bool) -> str:
        """What was generated, still escaped as JSON: the inside of a string, or of a list of ids. Empty where the server
        did not say, or `keeps_answer` was not asked for."""
        found = _TOKEN_IDS if token_ids else _TEXT
        pieces = [piece for event in self._token_events or () for piece in found(event)]
        return (b"," if token_ids else b"").join(pieces).decode("utf-8", "replace")

    def failure(self, token_events: int) -> Optional[Tuple[str, str]]:
        """`(kind, message)` of an answer that has ended, or None for a good one."""
        if self.status is None:
            return "connect", "the connection ended before any answer"
        if self.status != 200:
            return "http-status", "HTTP %d: %s" % (self.status, _message_of_body(self._body))
        if self._error_event is not None:
            return "error-in-stream", _error_of(_json_of(self._error_event))
        if not self._streamed:
            return self._failure_of_document(token_events)
        if not self._is_event_stream:
            return "protocol", "the answer is not an event stream: %s" % _message_of_body(self._body)
        if not self.complete:
            return "incomplete-stream", "the connection ended within the stream, after %d events" % token_events
        if not self._saw_done and (self._marked_end or not _FINISHED(self._usage_event or b"")):
            return "incomplete-stream", "the stream ended without [DONE], after %d events" % token_events
        if token_events == 0:
            return "no-tokens", "the stream ended without a token"
        return None

    def _failure_of_document(self, tokens: int) -> Optional[Tuple[str, str]]:
        if not self.complete:
            return "incomplete-stream", "the connection ended within the answer"
        document = _json_of(self._body)
        if document is None:
            return "protocol", "the answer is not JSON: %s" % _message_of_body(self._body)
        error = _error_of(document)
        if error is not None:
            return "error-in-stream", error
        return None if tokens else ("no-tokens", "the answer has no text")


class Usage(NamedTuple):
    """Tokens as the server counted them; None where it did not say."""

    input: Optional[int]
    output: Optional[int]
    #: Input tokens whose keys and values were in its prefix cache.
    cached: Optional[int]


def _status(line: bytes) -> int:
    parts = line.split(None, 2)
    if len(parts) < 2 or not parts[0].startswith(b"HTTP/1.") or not parts[1].isdigit():
        raise ProtocolError("not an HTTP/1.1 answer: %s" % ascii(line[:40]))
    return int(parts[1])


def _data_of(event: bytes) -> bytes:
    """The data of an SSE event: its `data:` lines joined."""
    lines = []
    for line in event.split(b"\n"):
        if line.startswith(b"data:"):
            lines.append(line[5:].strip())
    return b"\n".join(lines)


def _json_of(event: bytes) -> Any:
    # Between the first and the last brace: the kept bytes may still have their chunk framing around them.
    start, end = event.find(b"{"), event.rfind(b"}")
    if start < 0 or end < start:
        return None
    try:
        return json.loads(event[start : end + 1].decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None


def _error_of(document: Any) -> Optional[str]:
    """The message of an error document, in the shapes that servers use, or None."""
    if not isinstance(document, dict):
        return None
    error = document.get("error")
    if error is None and document.get("object") == "error":
        error = document
    if error is None or error is False:
        return None
    if isinstance(error, dict) and isinstance(error.get("message"), str):
        return error["message"]
    return error if isinstance(error, str) else json.dumps(error)


def _message_of_body(body: bytes) -> str:
    document = _json_of(body)
    message = _error_of(document)
    if message is None and isinstance(document, dict) and isinstance(document.get("detail"), str):
        message = document["detail"]
    if message is None:
        message = body.decode("utf-8", "replace").strip() or "no body"
    return message


def _count(value: Any) -> Optional[int]:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
