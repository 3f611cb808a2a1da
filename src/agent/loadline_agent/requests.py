"""Requests as they come in are checked here once, field by field, against src/protocol/agent.ts; the rest may trust them."""

import re
from typing import Any, Callable, Dict, List, Optional

from . import PROTOCOL
from .errors import BadRequest
from .loadgen.profile import MOST_TOKENS

RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}\Z")

#: Whatever may name an image, and no option of docker.
IMAGE_NAME = re.compile(r"[A-Za-z0-9][^\s]*\Z")

#: One module in engines/ each.
ENGINES = ("vllm", "sglang", "tgi", "trtllm", "triton", "llama-cpp", "transformers", "command")


class Field:
    """A value with its path, so that a complaint says where."""

    def __init__(self, value: Any, path: str) -> None:
        self.value = value
        self.path = path or "the request"

    def wrong(self, expected: str) -> BadRequest:
        return BadRequest(f"{self.path}: expected {expected}, got {describe(self.value)}.")

    def child(self, name: str) -> "Field":
        record = self.record()
        path = name if self.path == "the request" else f"{self.path}.{name}"
        if name not in record:
            raise BadRequest(f"{path}: missing.")
        return Field(record[name], path)

    def optional(self, name: str) -> Optional["Field"]:
        return self.child(name) if self.record().get(name) is not None else None

    def record(self) -> Dict[str, Any]:
        if not isinstance(self.value, dict):
            raise self.wrong("an object")
        return self.value

    def items(self) -> List["Field"]:
        if not isinstance(self.value, list):
            raise self.wrong("a list")
        return [Field(item, f"{self.path}[{index}]") for index, item in enumerate(self.value)]

    def text(self) -> str:
        if not isinstance(self.value, str):
            raise self.wrong("a string")
        # JSON can write half of a pair of code units, and nothing can be done with it.
        try:
            self.value.encode()
        except UnicodeEncodeError:
            raise self.wrong("text that can be encoded") from None
        return self.value

    def word(self) -> str:
        if not self.text():
            raise self.wrong("a string that is not empty")
        if "\0" in self.text():
            raise self.wrong("a string without NUL")
        return self.text()

    def one_of(self, *choices: str) -> str:
        if self.value not in choices:
            raise self.wrong(" or ".join(f"`{choice}`" for choice in choices))
        return self.value

    def boolean(self) -> bool:
        if not isinstance(self.value, bool):
            raise self.wrong("true or false")
        return self.value

    def integer(self, minimum: int) -> int:
        if isinstance(self.value, bool) or not isinstance(self.value, int) or self.value < minimum:
            raise self.wrong(f"an integer of at least {minimum}")
        return self.value

    def number(self, minimum: float, exclusive: bool = False) -> float:
        good = (
            isinstance(self.value, (int, float)) and not isinstance(self.value, bool) and self.value - self.value == 0
        )
        if not good or self.value < minimum or (exclusive and self.value == minimum):
            raise self.wrong(f"a number {'above' if exclusive else 'of at least'} {minimum}")
        return self.value

    def words_by_name(self) -> Dict[str, str]:
        words = {name: self.child(name).text() for name in self.record()}
        for name, word in words.items():
            if "\0" in word:
                raise self.child(name).wrong("a string without NUL")
        return words


def describe(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else "a list"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def run_name(document: Any) -> str:
    return checked_run_name(Field(document, "").child("run"))


def checked_run_name(field: Field) -> str:
    if not RUN_NAME.match(field.text()):
        raise field.wrong("a run name of letters, digits, `.`, `_` and `-`, at most 200")
    return field.text()


def check_device(field: Field) -> None:
    if field.child("kind").one_of("nvml", "nvidia-smi", "amd-sysfs", "recorded", "auto") == "recorded":
        field.child("name").word()


def sample_request(document: Any) -> dict:
    request = Field(document, "")
    request.child("intervalMs").number(10)
    check_device(request.child("device"))
    duration = request.optional("durationMs")
    if duration:
        duration.number(0, exclusive=True)
    check_sampling(request)
    return request.record()


def check_sampling(request: Field) -> None:
    mode, power = request.optional("mode"), request.optional("powerSamples")
    if mode:
        mode.one_of("live", "study", "quiet")
    if power:
        power.boolean()


def resume_request(document: Any) -> dict:
    request = Field(document, "")
    checked_run_name(request.child("run"))
    accept = request.optional("acceptChanges")
    if accept:
        accept.boolean()
    return request.record()


def follow_request(document: Any) -> dict:
    request = Field(document, "")
    checked_run_name(request.child("run"))
    offsets, checks = request.child("offsets"), request.optional("checks")
    for name in offsets.record():
        offsets.child(name).integer(0)
    for name in checks.record() if checks else ():
        checks.child(name).integer(0)
    return request.record()


def uninstall_request(document: Any) -> dict:
    request = Field(document, "")
    request.child("runs").boolean()
    return request.record()


def load_request(document: Any) -> dict:
    request = Field(document, "")
    request.child("url").word()
    if request.record().get("modelName") is not None:
        request.child("modelName").word()
    check_load(request.child("load"))
    return request.record()


def run_request(document: Any) -> dict:
    request = Field(document, "")
    protocol = request.child("protocol").integer(0)
    if protocol != PROTOCOL:
        raise BadRequest(
            f"This agent speaks protocol {PROTOCOL}, the client {protocol}. Reconnect, so that the agent of the client's version is sent.",
            code="protocol",
        )
    checked_run_name(request.child("run"))
    request.child("name").word()
    simulated = request.child("simulated").boolean()
    request.child("plan").text()
    request.child("environment").record()
    for gpu in request.child("gpus").items():
        gpu.integer(0)
    telemetry = request.optional("telemetry")
    if telemetry:
        telemetry.child("intervalMs").number(10)
        check_device(telemetry.child("device"))
        check_sampling(telemetry)
    request.child("leaseSeconds").number(0, exclusive=True)
    seen: Dict[str, str] = {}
    for cell in request.child("cells").items():
        identity = cell.child("id").word()
        if identity in seen:
            raise BadRequest(f"{cell.path}.id: the same as {seen[identity]}.")
        seen[identity] = cell.path
        check_cell(cell, simulated)
        check_cell_gpus(cell, request.record()["gpus"])
    if not seen:
        raise BadRequest("cells: empty; a run needs at least one.")
    check_searches(request.optional("searches"), seen)
    check_scheduler(request.optional("scheduler"))
    foreign = request.optional("allowForeignProcesses")
    if foreign:
        foreign.boolean()
    failures = request.optional("mostFailures")
    if failures:
        failures.integer(1)
    return request.record()


def check_searches(searches: Optional[Field], cells: Dict[str, str]) -> None:
    for search in searches.items() if searches else []:
        search.child("id").word()
        search.child("label").text()
        for cell in search.child("cells").items():
            if cell.word() not in cells:
                raise cell.wrong("the id of a cell of the run")
        for name in ("flag", "expected"):
            value = search.optional(name)
            if value:
                value.word()
        goal = search.child("goal")
        kind = goal.child("kind").one_of("smallest-that-starts", "largest-that-starts", "largest-within-slo", "knee")
        if kind == "largest-within-slo":
            limits = goal.child("limits")
            for name in limits.record():
                limits.child(name).number(0, exclusive=True)
        check_above_zero(goal.optional("gain"))


#: As in src/core/sweep/planSchema.ts. Nothing that a shell, sbatch's own file names (`%`) or an option (`-`) could be made of.
SCHEDULER_FIELDS = {
    "partition": (
        re.compile(r"[A-Za-z0-9_][\w.-]*(,[A-Za-z0-9_][\w.-]*)*\Z", re.A),
        "names of partitions, as gpu or gpu,long",
    ),
    "gres": (
        re.compile(r"[A-Za-z][\w.-]*(:[\w.-]+){0,2}(,[A-Za-z][\w.-]*(:[\w.-]+){0,2})*\Z", re.A),
        "generic resources, as gpu:2 or gpu:h100:2",
    ),
    "time": (
        re.compile(r"(\d+-)?\d+(:\d{1,2}){0,2}\Z", re.A),
        "a time of Slurm: minutes, hours:minutes:seconds or days-hours",
    ),
    "memory": (re.compile(r"\d+[KMGT]?\Z", re.A), "a size of Slurm, as 64G"),
    "account": (re.compile(r"[A-Za-z0-9_][\w.-]*\Z", re.A), "the name of an account"),
}


def check_scheduler(scheduler: Optional[Field]) -> None:
    if not scheduler:
        return
    scheduler.child("type").one_of("slurm")
    for name, (pattern, expected) in SCHEDULER_FIELDS.items():
        value = scheduler.optional(name)
        if value and not pattern.match(value.text()):
            raise value.wrong(expected)
    for name in ("arrayLimit", "cpus"):
        number = scheduler.optional(name)
        if number:
            number.integer(1)


def check_cell(cell: Field, simulated: bool) -> None:
    cell.child("label").text()
    cell.child("engineKey").word()
    cell.child("trials").integer(1)
    cell.child("expectedSeconds").number(0)
    cell.child("deadlineSeconds").number(0, exclusive=True)
    check_load(cell.child("load"))
    check_arrangement(cell)
    check_engine(cell.child("engine"), simulated)


def check_cell_gpus(cell: Field, of_run: List[int]) -> None:
    """The run's locks are on its own GPUs alone."""
    gpus = cell.optional("gpus")
    for gpu in gpus.items() if gpus else []:
        if gpu.integer(0) not in of_run:
            raise gpu.wrong("one of the run's GPUs")


def check_arrangement(cell: Field) -> None:
    copies = cell.optional("copies")
    if copies:
        copies.integer(1)
        if copies.value > 1 and cell.child("engine").child("kind").value == "endpoint":
            raise copies.wrong("1 of an endpoint, which runs already")
    sharing = cell.optional("sharing")
    if sharing:
        sharing.one_of("time-slicing", "mps")
    mps = cell.optional("mps")
    if mps:
        check_above_zero(mps.optional("memoryLimitBytes"))
        share = mps.optional("threadPercentage")
        if share and not 1 <= share.number(1) <= 100:
            raise share.wrong("a percentage from 1 to 100")


def check_engine(engine: Field, simulated: bool) -> None:
    kind = engine.child("kind")
    if (kind.one_of("command", "endpoint", "simulated") == "simulated") != simulated:
        raise BadRequest(
            f"{kind.path}: `{kind.value}` in a run that says simulated: {str(simulated).lower()}. Measured and simulated cells do not mix."
        )
    engine.child("readyTimeoutSeconds").number(0, exclusive=True)
    if simulated:
        engine.child("parameters").child("modelName").word()
        return
    engine.child("name").one_of(*ENGINES)
    engine.child("modelName").word()
    if kind.value == "endpoint":
        engine.child("url").word()
        key = engine.optional("apiKeyFile")
        if key:
            key.word()
        return
    argv = engine.child("argv").items()
    # The entry point of an image may be the whole command.
    if not argv and not engine.optional("container"):
        raise BadRequest(f"{engine.path}.argv: empty; give the engine's command.")
    for word in argv:
        if "\0" in word.text():
            raise word.wrong("a string without NUL")
    for name in engine.child("environment").words_by_name():
        if not name or "=" in name or "\0" in name:
            raise BadRequest(f"{engine.path}.environment: {name!r} is not a variable name.")
    container = engine.optional("container")
    if container:
        container.child("runtime").one_of("docker", "podman")
        image = container.child("image")
        if not IMAGE_NAME.match(image.word()):
            raise image.wrong("the name of an image")
        for argument in container.child("arguments").items():
            argument.word()
    health = engine.optional("healthPath")
    if health and not health.word().startswith("/"):
        raise health.wrong("a path that begins with a slash")


def check_load(load: Field) -> None:
    profile = load.child("profile").one_of("closed-loop", "open-loop", "trace", "offline")
    PROFILES[profile](load)
    load.child("requests").integer(1)
    load.child("warmupRequests").integer(0)
    check_lengths(load.child("input"))
    check_lengths(load.child("output"))
    load.child("api").one_of("completions", "chat")
    load.child("prompt").one_of("token-ids", "text")
    load.child("seed").integer(0)
    check_above_zero(load.optional("seconds"))
    prefix = load.optional("sharedPrefix")
    if prefix:
        check_tokens(prefix.child("tokens"))
        prefix.child("groups").integer(1)
    turns = load.optional("turns")
    if turns:
        turns.child("count").integer(1)
        think = turns.optional("thinkMs")
        if think:
            think.number(0)
    processes = load.optional("processes")
    if processes:
        processes.integer(1)
    stream = load.optional("stream")
    if stream:
        stream.boolean()


def check_closed_loop(load: Field) -> None:
    load.child("concurrency").integer(1)
    check_above_zero(load.optional("rampSeconds"))


def check_open_loop(load: Field) -> None:
    load.child("requestsPerSecond").number(0, exclusive=True)
    load.child("arrivals").one_of("poisson", "constant", "gamma", "burst")
    check_above_zero(load.optional("burstiness"))
    most = load.optional("maxConcurrency")
    if most:
        most.integer(1)
    ramp = load.optional("ramp")
    if ramp:
        ramp.child("fromRequestsPerSecond").number(0, exclusive=True)
        ramp.child("seconds").number(0, exclusive=True)
        ramp.child("shape").one_of("linear", "exponential")


def check_trace(load: Field) -> None:
    entries = load.child("entries")
    for entry in entries.items():
        entry.child("atMs").number(0)
        check_tokens(entry.child("inputTokens"))
        check_tokens(entry.child("outputTokens"))
        session = entry.optional("session")
        if session:
            session.integer(0)
    if not entries.value:
        raise entries.wrong("at least one request")
    check_above_zero(load.optional("speed"))


def check_offline(load: Field) -> None:
    """Nothing sets its level: all requests are sent at once."""


PROFILES: Dict[str, Callable[[Field], None]] = {
    "closed-loop": check_closed_loop,
    "open-loop": check_open_loop,
    "trace": check_trace,
    "offline": check_offline,
}


def check_above_zero(field: Optional[Field]) -> None:
    if field:
        field.number(0, exclusive=True)


def check_tokens(field: Field) -> None:
    field.integer(1)
    check_most(field)


def check_most(field: Field) -> None:
    if field.value > MOST_TOKENS:
        raise field.wrong(f"at most {MOST_TOKENS} tokens")


def check_lengths(lengths: Field) -> None:
    kind = lengths.child("kind").one_of("fixed", "normal", "uniform", "lognormal", "empirical")
    if kind == "fixed":
        check_tokens(lengths.child("tokens"))
    elif kind == "uniform":
        check_tokens(lengths.child("least"))
        check_tokens(lengths.child("most"))
        lengths.child("most").integer(lengths.child("least").value)
    elif kind == "empirical":
        values = lengths.child("values")
        for value in values.items():
            check_tokens(value)
        if not values.value:
            raise values.wrong("at least one length")
    else:
        lengths.child("mean").number(1)
        lengths.child("deviation").number(0)
        for name in ("mean", "deviation"):
            check_most(lengths.child(name))
