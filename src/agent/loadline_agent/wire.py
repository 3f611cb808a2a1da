"""JSON in on stdin, JSON lines out on stdout."""

import json
import os
import select
import sys
import threading
from typing import Any, Tuple

from .errors import BadRequest

#: A request larger than this is a mistake, not a plan.
LARGEST_REQUEST = 64 << 20


def encode(record: dict) -> bytes:
    """One line. Strict JSON: NaN and infinities raise instead of leaking out."""
    return (
        json.dumps(record, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
        + b"\n"
    )


#: A line leaves whole, whichever thread it is from.
_writing = threading.Lock()


def emit(record: dict) -> None:
    line = encode(record)
    with _writing:
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()


def read_request() -> Any:
    """The one JSON document on stdin. Ends at its last brace: stdin may stay open after it (`sample`, `follow`)."""
    return read_request_and_rest()[0]


def read_request_and_rest() -> Tuple[Any, bytes]:
    """As read_request, with what had come after it already: lines of control, for a verb that takes them."""
    data = b""
    while True:
        part = os.read(0, 1 << 16)
        data += part
        if len(data) > LARGEST_REQUEST:
            raise BadRequest(f"The request is larger than {LARGEST_REQUEST >> 20} MiB.")
        if not part or data.rstrip().endswith(b"}"):
            try:
                text = data.decode("utf-8").lstrip()
                request, end = json.JSONDecoder().raw_decode(text)
                return request, text[end:].encode("utf-8")
            except RecursionError:
                raise BadRequest("The request is nested too deeply.") from None
            except ValueError as error:
                if not part:
                    reason = f"it is not JSON ({error})" if data.strip() else "nothing was written to stdin"
                    raise BadRequest(f"This verb reads one JSON document from stdin: {reason}.") from error


def stdin_closed(timeout: float) -> bool:
    """Waits up to `timeout` seconds for the end of stdin; what is written to it meanwhile is dropped."""
    readable, _, _ = select.select([0], [], [], max(0.0, timeout))
    return bool(readable) and not os.read(0, 1 << 16)
