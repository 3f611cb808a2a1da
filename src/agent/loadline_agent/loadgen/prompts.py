"""Prompts as fragments of JSON: token ids, or words that come to about a token each.

A fragment is a slice of a text made before the load, so that a prompt costs little at the moment it is sent. Fragments of
one conversation are joined turn by turn.
"""

import random
from typing import Any, NamedTuple, Sequence, Tuple

# Ids of four digits exist in every vocabulary that is served; a fixed width makes a prompt a slice of one text.
_FIRST_ID, _LAST_ID, _ID_WIDTH = 1000, 9999, 5
_POOL_TOKENS = 65536

#: Short common words: a token each in the vocabularies of today. `usage` says what they really came to.
WORDS = tuple(
    "time year people way day man thing woman life child world school state family student group country problem "
    "hand part place case week company system program question work number night point home water room mother "
    "area money story fact month lot right study book eye job word business issue side kind head house service "
    "friend father power hour game line end member law car city name team minute idea body back parent face".split()
)


class Sizing(NamedTuple):
    """How a number of tokens becomes a number of words."""

    #: `words`: a word counts as a token; `tokenize`: the server's tokenizer said so; `usage`: two short requests did.
    by: str = "words"
    words: Tuple[str, ...] = WORDS
    words_per_token: float = 1.0
    #: Tokens of a prompt that no word makes: begin of text, chat template.
    overhead_tokens: float = 0.0

    def words_for(self, tokens: int, first: bool) -> int:
        """`first`: it begins the prompt, which has the overhead."""
        rest = tokens - self.overhead_tokens if first else tokens
        return max(1, int(round(rest * self.words_per_token)))


class TokenIds:
    """Fragments are ids with a comma after each."""

    base = _LAST_ID - _FIRST_ID + 1

    def __init__(self, seed: int) -> None:
        generator = random.Random(f"{seed}/prompts")
        self._pool = "".join(f"{generator.randint(_FIRST_ID, _LAST_ID)}," for _ in range(_POOL_TOKENS))

    def piece(self, leading: Sequence[int], offset: int, tokens: int, first: bool) -> str:
        leading = leading[:tokens]
        rest = _slice(self._pool, offset * _ID_WIDTH, (tokens - len(leading)) * _ID_WIDTH)
        return "".join([f"{_FIRST_ID + digit}," for digit in leading]) + rest

    @staticmethod
    def joined(fragment: str, piece: str) -> str:
        return fragment + piece

    @staticmethod
    def value(fragment: str) -> str:
        """As a JSON value."""
        return f"[{fragment[:-1]}]"


class Words:
    """Fragments are the inside of a JSON string."""

    def __init__(self, seed: int, sizing: Sizing) -> None:
        generator = random.Random(f"{seed}/prompts")
        self._sizing = sizing
        self._pool = [generator.choice(sizing.words) for _ in range(_POOL_TOKENS)]
        self.base = len(sizing.words)

    def piece(self, leading: Sequence[int], offset: int, tokens: int, first: bool) -> str:
        count = self._sizing.words_for(tokens, first)
        words = [self._sizing.words[digit] for digit in leading][:count]
        return " ".join(words + _slice(self._pool, offset, count - len(words)))

    @staticmethod
    def joined(fragment: str, piece: str) -> str:
        return f"{fragment} {piece}" if fragment else piece

    @staticmethod
    def value(fragment: str) -> str:
        return f'"{fragment}"'


def offset_of(serial: int, seed: int) -> int:
    """Where in the pool the prompt of a request begins: far from its neighbours', the same for every configuration."""
    return ((serial + 1) * 40503 + seed * 7919) % _POOL_TOKENS


def _slice(pool: Any, start: int, length: int) -> Any:
    """`length` items from `start` on; behind the last one the first follows again."""
    if start + length <= len(pool):
        return pool[start : start + length]
    return (pool * ((start + length) // len(pool) + 1))[start : start + length]
