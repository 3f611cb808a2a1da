"""What a run has to know of an engine. One module each gives an EngineKind; `engines/__init__.py` lists them."""

import signal
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from .failure import Cause

#: (signal, seconds to wait after it) until nothing is left.
STOPPING = ((signal.SIGINT, 15.0), (signal.SIGTERM, 5.0), (signal.SIGKILL, 10.0))


class Verified(NamedTuple):
    """A real engine was started, measured and stopped by this module's predecessor or itself."""

    version: str
    #: ISO date.
    date: str
    on: str


class MetricNames(NamedTuple):
    """Names in the engine's Prometheus text, newest first; none where it has no such number.

    Counters and gauges are summed over their label sets (one an engine rank); of `kv_usage` the highest counts.
    """

    path: str
    running: Tuple[str, ...] = ()
    waiting: Tuple[str, ...] = ()
    kv_usage: Tuple[str, ...] = ()
    preemptions: Tuple[str, ...] = ()
    prompt_tokens: Tuple[str, ...] = ()
    generation_tokens: Tuple[str, ...] = ()
    prefix_cache_hits: Tuple[str, ...] = ()
    prefix_cache_queries: Tuple[str, ...] = ()


class EngineKind(NamedTuple):
    name: str
    label: str
    #: What follows the engine's own command line, given host and port.
    arguments: Callable[[str, int], List[str]]
    #: What this module follows where nothing was recorded.
    #: None: there is none, as the program is the plan's own.
    documentation: Optional[str]
    #: None: never started by Loadline; everything that shows it says *unverified*.
    verified: Optional[Verified]
    #: Environment variable in which it takes the API key that it is to ask for. None: it takes one in its arguments alone,
    #: which every user of the host can read, shows it there, or takes none at all: it then listens on loopback without a key.
    key_variable: Optional[str]
    causes: Sequence[Cause]
    #: (phase that a line begins, pattern of the line), in the order in which they come. It begins in `load`.
    phases: Sequence[Tuple[str, str]]
    metrics: Optional[MetricNames]
    #: Answers 200 once it serves.
    health: str = "/health"
    #: Releases without the health route answer 404: the model's name and the first request then say whether it serves.
    health_may_lack: bool = False
    #: (path, field) of JSON answers that tell the version, first that has one.
    versions: Sequence[Tuple[str, str]] = ()
    #: Of a log line that tells the version, where no route does.
    version_pattern: Optional[str] = None
    #: Whether it serves the model by the name that it is given. Else the name that it lists is taken.
    keeps_name: bool = True
    #: What else it is told by its environment, given host and port.
    variables: Callable[[str, int], Dict[str, str]] = lambda host, port: {}
    #: Variables of the host's own environment that it is not to see.
    withheld: Sequence[str] = ()
    #: What the paths of sockets begin with that it leaves when it ends, given its port. None: it leaves none.
    socket_prefix: Optional[Callable[[int], str]] = None
    #: Whether /v1/completions takes a prompt of token ids.
    takes_token_ids: bool = True
    #: Whether it takes `ignore_eos`, or ignores it. Else answers end where the model ends them.
    takes_ignore_eos: bool = True
    #: Whether its streams end with [DONE], as OpenAI's do.
    marks_end: bool = True
    #: Whether it says the ids that it generated where it is asked to (`return_token_ids`).
    says_token_ids: bool = False
    stopping: Sequence[Tuple[signal.Signals, float]] = STOPPING
