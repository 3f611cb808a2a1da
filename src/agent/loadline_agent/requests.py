"""Requests as they come in are checked here once, field by field, against src/protocol/agent.ts; the rest may trust them."""

import re
from typing import Any, Dict, List, Optional

from . import PROTOCOL
from .errors import BadRequest
from .field import Field, check_above_zero
from .load_request import check_load

RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}\Z")

#: Whatever may name an image, and no option of docker.
IMAGE_NAME = re.compile(r"[A-Za-z0-9][^\s]*\Z")

#: One module in engines/ each.
ENGINES = ("vllm", "sglang", "tgi", "trtllm", "triton", "llama-cpp", "transformers", "command")


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
