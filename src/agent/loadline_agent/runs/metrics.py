"""metrics.jsonl of a run: what the engine's own `/metrics` says, in words that are the same for every engine."""

import math
import os
import re
import select
import time
from typing import Callable, Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

from ..clock import monotonic_ms, wall_ms
from ..engines.kind import MetricNames
from ..wire import encode
from .folder import RunFolder
from .http import Address, blocking_request
from .journal import append_line, cut_torn_line
from .recorder import Recorder

FILE = "metrics.jsonl"
SCHEMA = 1

SECONDS = 1.0
#: While a cell is measured in quiet mode: the engine answers from the process that also serves the load.
QUIET_SECONDS = 5.0
ANSWER_SECONDS = 2.0

#: As in a record, and the field of MetricNames each.
FIELDS = (
    ("running", "running"),
    ("waiting", "waiting"),
    ("kvUsage", "kv_usage"),
    ("preemptions", "preemptions"),
    ("promptTokens", "prompt_tokens"),
    ("generationTokens", "generation_tokens"),
    ("prefixCacheHits", "prefix_cache_hits"),
    ("prefixCacheQueries", "prefix_cache_queries"),
)

#: A label's value stands in quotes and may hold anything, braces included.
SAMPLE = re.compile(r'([A-Za-z_:][\w:]*)(?:\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\})?\s+(\S+)')


def parse_prometheus(text: str) -> Dict[str, List[float]]:
    """Metric name -> the values of its label sets. What is no finite number is left out."""
    found: Dict[str, List[float]] = {}
    for line in text.splitlines():
        match = SAMPLE.match(line) if line[:1] not in ("#", "") else None
        if match is None:
            continue
        try:
            value = float(match.group(2))
        except ValueError:
            continue
        if math.isfinite(value):
            found.setdefault(match.group(1), []).append(value)
    return found


def normalised(text: str, names: MetricNames) -> Dict[str, Optional[float]]:
    """None where the engine has none. Of several ranks counts add up; of their cache usage the highest counts."""
    samples = parse_prometheus(text)
    return {field: value_of(samples, getattr(names, name), max if name == "kv_usage" else sum) for field, name in FIELDS}


def value_of(samples: Dict[str, List[float]], names: Sequence[str], join: Callable[[List[float]], float]) -> Optional[float]:
    values = next((samples[name] for name in names if name in samples), None)
    if not values:
        return None
    value = join(values)
    return int(value) if value == int(value) else value


def all_names(names: MetricNames) -> List[str]:
    return [one for _, field in FIELDS for one in getattr(names, field)]


class Scraped(NamedTuple):
    instance: int
    address: Address


def scrape(address: Address, names: MetricNames) -> Optional[Dict[str, Optional[float]]]:
    """None where there is no answer, or none of the metrics in it."""
    answer = blocking_request(address, names.path, None, ANSWER_SECONDS)
    if answer is None or answer.status != 200:
        return None
    values = normalised(answer.text(), names)
    return values if any(value is not None for value in values.values()) else None


class Metrics(Recorder):
    """Scrapes the copies of one engine until it is stopped."""

    def __init__(self, folder: RunFolder, engine_key: str, names: MetricNames, targets: Iterable[Tuple[int, Address]]) -> None:
        path = folder.file(FILE)
        scraped = self._targets = [Scraped(index, address) for index, address in targets]
        self._names = names
        super().__init__(
            path,
            "Reading the engine's metrics ended before the engine did; see supervisor.log of the run.",
            lambda stop: append_metrics(path, engine_key, names, scraped, stop),
        )

    def preemptions(self) -> Optional[float]:
        """Of all copies so far."""
        said = [scrape(target.address, self._names) for target in self._targets]
        known = [values["preemptions"] for values in said if values and values["preemptions"] is not None]
        return sum(known) if known else None

    def slow_down(self, quiet: bool) -> None:
        self.tell(b"q" if quiet else b"n")


def append_metrics(path: str, engine_key: str, names: MetricNames, targets: List[Scraped], stop: int) -> None:
    """Until `stop` is closed. A `q` on it asks for the slower pace, an `n` for the usual one."""
    cut_torn_line(path)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def write(line: dict) -> None:
        # No fsync a line: a machine that stops loses a second of metrics, never a result.
        append_line(descriptor, encode(line), path, durable=False)

    if os.fstat(descriptor).st_size == 0:
        write({"type": "metrics-header", "schema": SCHEMA, "names": all_names(names)})
    period, due = SECONDS, time.monotonic()
    while True:
        readable = select.select([stop], [], [], max(0.0, due - time.monotonic()))[0]
        if readable:
            said = os.read(stop, 64)
            if not said:
                break
            asked = QUIET_SECONDS if said.endswith(b"q") else SECONDS
            if asked != period:
                period, due = asked, time.monotonic() + asked
            continue
        for target in targets:
            values = scrape(target.address, names)
            if values is not None:
                write(
                    {
                        "type": "engine-metrics",
                        "monotonicMs": monotonic_ms(),
                        "wallMs": wall_ms(),
                        "engineKey": engine_key,
                        "instance": target.instance,
                        **values,
                    }
                )
        due = max(due + period, time.monotonic())
    os.close(descriptor)
