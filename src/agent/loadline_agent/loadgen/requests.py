"""What is sent: lengths drawn from the profile, prompts that no cache has seen, bytes ready for the socket."""

import json
import os
import random
from typing import Any, Dict, List, Optional, Tuple, TypeVar

# Ids of four digits exist in every vocabulary that is served; a fixed width makes a prompt a slice of one text.
_FIRST_ID, _LAST_ID, _ID_WIDTH = 1000, 9999, 5
_POOL_IDS = 65536

#: Longer than any model's context: a length above it is a slip, and would take memory instead of measuring anything.
MOST_TOKENS = 1 << 24

_Pool = TypeVar("_Pool", str, List[str])

# Short common words: a token each in the vocabularies of today. `usage` says what they really came to.
_WORDS = (
    "time year people way day man thing woman life child world school state family student group country problem "
    "hand part place case week company system program question work number night point home water room mother "
    "area money story fact month lot right study book eye job word business issue side kind head house service "
    "friend father power hour game line end member law car city name team minute idea body back parent face"
).split()


class BadProfile(Exception):
    """The load profile cannot be driven; the message says which field."""


def draw_lengths(distribution: Dict[str, Any], count: int, name: str, seed: int) -> List[int]:
    """Lengths in tokens. A normal one is drawn again while it is under 1 or above the most: a truncated distribution.

    Each `name` has a generator of its own: what is drawn for one leaves the others as they were.
    """
    kind = distribution.get("kind")
    if kind == "fixed":
        tokens = distribution.get("tokens")
        if not isinstance(tokens, int) or isinstance(tokens, bool) or not 1 <= tokens <= MOST_TOKENS:
            raise BadProfile(f"{name}.tokens must be a whole number from 1 to {MOST_TOKENS}, not {tokens!r}")
        return [tokens] * count
    if kind != "normal":
        raise BadProfile(f"{name}.kind must be fixed or normal, not {kind!r}")
    mean = _number(distribution, name, "mean", 1)
    deviation = _number(distribution, name, "deviation", 0)
    generator = random.Random(f"{seed}/{name}")
    lengths: List[int] = []
    while len(lengths) < count:
        length = int(round(generator.gauss(mean, deviation)))
        if 1 <= length <= MOST_TOKENS:
            lengths.append(length)
    return lengths


class RequestFactory:
    """Requests of one trial by serial number: those that are measured from 0 on, then those of the warm-up.

    Lengths follow from the seed alone, so that two configurations get the same load. Prompts begin with the serial number
    and a number drawn for each trial (`nonce`; given, it is fixed): a prefix cache that has seen an earlier trial, an
    earlier cell or the warm-up holds nothing of them.
    """

    def __init__(
        self,
        profile: Dict[str, Any],
        host: str,
        port: int,
        api_key: Optional[str],
        model: str,
        nonce: Optional[int] = None,
    ) -> None:
        requests, warmup, seed = profile["requests"], profile["warmupRequests"], profile["seed"]
        self.input_lengths, self.output_lengths = (
            draw_lengths(profile[name], requests, name, seed)
            + draw_lengths(profile[name], warmup, f"warm-up {name}", seed)
            for name in ("input", "output")
        )
        api, prompt = profile.get("api"), profile.get("prompt")
        if api not in ("completions", "chat"):
            raise BadProfile(f"api must be completions or chat, not {api!r}")
        if prompt not in ("token-ids", "text"):
            raise BadProfile(f"prompt must be token-ids or text, not {prompt!r}")
        if api == "chat" and prompt == "token-ids":
            raise BadProfile("prompt: the chat route takes no token ids; give text, or api: completions")
        self._nonce = int.from_bytes(os.urandom(4), "big") if nonce is None else nonce
        generator = random.Random(f"{seed}/prompts")
        if prompt == "token-ids":
            self._pooled_ids = "".join(f"{generator.randint(_FIRST_ID, _LAST_ID)}," for _ in range(_POOL_IDS))
            self._prompt = self._ids
        else:
            self._pooled_words = [generator.choice(_WORDS) for _ in range(_POOL_IDS)]
            self._prompt = self._text
        self._offsets = [generator.randrange(_POOL_IDS) for _ in range(requests + warmup)]
        self._head = _head(api, host, port, api_key)
        self._begin = (
            f'{{"model":{json.dumps(model)},"stream":true,"stream_options":{{"include_usage":true}},'
            '"ignore_eos":true,"temperature":0,"max_tokens":'
        )
        if api == "completions":
            self._middle, self._end = ',"prompt":', "}"
        else:
            self._middle, self._end = ',"messages":[{"role":"user","content":', "}]}"

    def request(self, serial: int) -> bytes:
        """A whole request. Made as it is sent, so it is cheap: a slice of a text made before."""
        prompt = self._prompt(serial)
        body = f"{self._begin}{self.output_lengths[serial]}{self._middle}{prompt}{self._end}".encode("ascii")
        return b"%b%d\r\n\r\n%b" % (self._head, len(body), body)

    def _leading(self, serial: int, base: int) -> Tuple[int, ...]:
        """Digits that no other request of this trial, and hardly one of another, begins with."""
        return (serial % base, self._nonce % base, serial // base % base, self._nonce // base % base)

    def _ids(self, serial: int) -> str:
        length = self.input_lengths[serial]
        leading = self._leading(serial, _LAST_ID - _FIRST_ID + 1)[:length]
        start = self._offsets[serial] * _ID_WIDTH
        rest = _slice(self._pooled_ids, start, (length - len(leading)) * _ID_WIDTH)
        ids = "".join([f"{_FIRST_ID + digit}," for digit in leading]) + rest
        return f"[{ids[:-1]}]"

    def _text(self, serial: int) -> str:
        length = self.input_lengths[serial]
        leading = [_WORDS[digit] for digit in self._leading(serial, len(_WORDS))][:length]
        rest = _slice(self._pooled_words, self._offsets[serial], length - len(leading))
        return '"' + " ".join(leading + rest) + '"'


def _slice(pool: _Pool, start: int, length: int) -> _Pool:
    """`length` items from `start` on; behind the last one the first follows again."""
    if start + length <= len(pool):
        return pool[start : start + length]
    return (pool * ((start + length) // len(pool) + 1))[start : start + length]


def _head(api: str, host: str, port: int, api_key: Optional[str]) -> bytes:
    if api_key and not (api_key.isprintable() and api_key.isascii()):
        raise BadProfile("the API key has characters that no HTTP header can carry")
    path = "/v1/completions" if api == "completions" else "/v1/chat/completions"
    authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    lines = [f"POST {path} HTTP/1.1", f"Host: {authority}", "Accept: text/event-stream"]
    if api_key:
        lines.append(f"Authorization: Bearer {api_key}")
    lines += ["Content-Type: application/json", "Content-Length: "]
    return "\r\n".join(lines).encode("utf-8")


def _number(distribution: Dict[str, Any], name: str, field: str, least: float) -> float:
    value = distribution.get(field)
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not least <= value <= MOST_TOKENS:
        raise BadProfile(f"{name}.{field} must be a number from {least} to {MOST_TOKENS}, not {value!r}")
    return value
