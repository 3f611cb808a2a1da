"""Lengths of prompts and answers in tokens, drawn from the distributions of a LoadProfile."""

import math
import random
from typing import Any, Callable, Dict, List

from .profile import MOST_TOKENS, check_lengths

# Drawn before the load; what is beyond is drawn as it is asked for, a little at a time.
_DRAWN_BEFOREHAND = 65536
_DRAWN_AT_ONCE = 64


class Lengths:
    """The n-th length of a distribution, for as many n as anybody asks.

    They follow from seed and `name` alone: the same for every configuration, and what is drawn for one name leaves the
    others as they were. Normal and lognormal ones are rounded to whole tokens, and drawn again while they are under 1
    or above the most: truncated distributions, without a pile at the end.
    """

    def __init__(self, distribution: Dict[str, Any], count: int, name: str, seed: int) -> None:
        check_lengths(distribution, name)
        self._draw = _drawer(distribution, random.Random(f"{seed}/{name}"))
        self._drawn: List[int] = []
        self._extend(min(count, _DRAWN_BEFOREHAND))

    def __getitem__(self, serial: int) -> int:
        while serial >= len(self._drawn):
            self._extend(max(_DRAWN_AT_ONCE, serial + 1 - len(self._drawn)))
        return self._drawn[serial]

    def _extend(self, count: int) -> None:
        draw = self._draw
        self._drawn.extend([draw() for _ in range(count)])


def draw_lengths(distribution: Dict[str, Any], count: int, name: str, seed: int) -> List[int]:
    """The first `count` of Lengths."""
    lengths = Lengths(distribution, count, name, seed)
    return [lengths[serial] for serial in range(count)]


def mean_length(distribution: Dict[str, Any]) -> float:
    """As the distribution states it; what truncation adds is not in it."""
    kind = distribution["kind"]
    if kind == "fixed":
        return float(distribution["tokens"])
    if kind == "uniform":
        return (distribution["least"] + distribution["most"]) / 2.0
    if kind == "empirical":
        return sum(distribution["values"]) / len(distribution["values"])
    return float(distribution["mean"])


def _drawer(distribution: Dict[str, Any], generator: random.Random) -> Callable[[], int]:
    kind = distribution["kind"]
    if kind == "fixed":
        tokens = distribution["tokens"]
        return lambda: tokens
    if kind == "uniform":
        least, most = distribution["least"], distribution["most"]
        return lambda: generator.randint(least, most)
    if kind == "empirical":
        values = distribution["values"]
        return lambda: values[generator.randrange(len(values))]
    mean, deviation = distribution["mean"], distribution["deviation"]
    if kind == "normal":
        return lambda: _truncated(lambda: generator.gauss(mean, deviation))
    # Mean and deviation are those of the lengths; those of their logarithm follow.
    variance = math.log1p((deviation / mean) ** 2)
    location, scale = math.log(mean) - variance / 2.0, math.sqrt(variance)
    return lambda: _truncated(lambda: math.exp(generator.gauss(location, scale)))


def _truncated(draw: Callable[[], float]) -> int:
    while True:
        length = int(round(draw()))
        if 1 <= length <= MOST_TOKENS:
            return length
