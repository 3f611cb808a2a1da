"""Slurm's own programs: what is asked of them, and what they print. Options as in the man pages of Slurm 22.05 and later."""

import hashlib
import os
import re
import shlex
import subprocess
from typing import List, NamedTuple, Optional, Sequence

from ...errors import AgentError
from .reasons import refusal_words

#: A controller that is busy answers late; one that is gone never does.
SECONDS = 30

#: Of `squeue`, which is asked again anyway, and for each run of a host when these are listed.
QUEUE_SECONDS = 15

#: Slurm signals up to a minute early, and an engine takes up to half a minute to stop.
LEAST_WARNING_SECONDS = 20
MOST_WARNING_SECONDS = 120


class Unanswered(AgentError):
    """Nothing is known of what was asked for: it may have been done."""

    def __init__(self, message: str) -> None:
        super().__init__("scheduler", message)


class JobRow(NamedTuple):
    """A line of `squeue --array`."""

    job: str
    task: int
    state: str
    partition: str
    #: When it started, or is expected to; None where Slurm does not say.
    start: Optional[str]
    nodes: str
    reason: str


FORMAT = "%F|%K|%T|%P|%S|%N|%r"


def script(words: Sequence[Sequence[str]]) -> bytes:
    """A batch script. Every word of every line goes through here, quoted: a name is a word, whatever is in it."""
    lines = [" ".join(shlex.quote(word) for word in line) for line in words]
    return "\n".join(["#!/bin/sh", *lines, ""]).encode("utf-8")


def option(name: str, value: object) -> str:
    """One word of an argument list, which no shell reads; a value that looks like an option stays a value."""
    return f"--{name}={value}"


def job_name(run: str, path: str) -> str:
    """Names the jobs of one run folder: they are found again by it when their number was never written down."""
    return f"loadline-{run}-{hashlib.sha256(path.encode()).hexdigest()[:8]}"


def array_of(tasks: Sequence[int], limit: Optional[int]) -> str:
    """[0, 1, 2, 5] -> `0-2,5`, with `%limit` behind it."""
    parts: List[str] = []
    start = previous = tasks[0]
    for task in [*tasks[1:], -1]:
        if task != previous + 1:
            parts.append(str(start) if start == previous else f"{start}-{previous}")
            start = task
        previous = task
    return ",".join(parts) + (f"%{limit}" if limit else "")


def sbatch_arguments(scheduler: dict, gpus: int, name: str, folder: str, tasks: Sequence[int]) -> List[str]:
    """The script itself comes on stdin. Output goes to the folder by a relative name: Slurm reads `%` in it."""
    gres = scheduler.get("gres") or (f"gpu:{gpus}" if gpus else None)
    given = {
        "partition": scheduler.get("partition"),
        "gres": gres,
        "account": scheduler.get("account"),
        "cpus-per-task": scheduler.get("cpus"),
        "mem": scheduler.get("memory"),
    }
    time = scheduler.get("time")
    return [
        "sbatch",
        "--parsable",
        option("job-name", name),
        option("array", array_of(tasks, scheduler.get("arrayLimit"))),
        *(option(key, value) for key, value in given.items() if value),
        *([option("time", time)] if time else []),
        # To the script alone, which passes it on: an engine that gets it first would look as if it had crashed.
        option("signal", f"B:TERM@{warning_seconds(time)}"),
        "--requeue",
        "--nodes=1",
        "--ntasks=1",
        option("chdir", folder),
        "--output=slurm-%a.log",
        "--open-mode=append",
    ]


def warning_seconds(time: Optional[str]) -> int:
    """How long before the time limit a task is told: a tenth of it, within bounds."""
    limit = seconds_of(time) if time else None
    if limit is None:
        return MOST_WARNING_SECONDS
    return int(min(MOST_WARNING_SECONDS, max(LEAST_WARNING_SECONDS, limit / 10)))


TIME = re.compile(r"(?:(?P<days>\d+)-)?(?P<first>\d+)(?::(?P<second>\d+))?(?::(?P<third>\d+))?\Z")


def seconds_of(time: str) -> Optional[int]:
    """Slurm's forms: `minutes`, `minutes:seconds`, `hours:minutes:seconds`, `days-hours[:minutes[:seconds]]`."""
    match = TIME.match(time)
    if not match:
        return None
    parts = [int(match[name]) for name in ("first", "second", "third") if match[name] is not None]
    if match["days"] is not None:
        hours, minutes, seconds = (parts + [0, 0])[:3]
        return int(match["days"]) * 86400 + hours * 3600 + minutes * 60 + seconds
    if len(parts) == 3:
        return parts[0] * 3600 + parts[1] * 60 + parts[2]
    return parts[0] * 60 + (parts[1] if len(parts) == 2 else 0)


def call(argv: Sequence[str], stdin: bytes = b"", seconds: float = SECONDS) -> str:
    """What the program prints. AgentError `scheduler` with its own words where it fails."""
    try:
        done = subprocess.run(
            list(argv), input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=seconds, cwd="/"
        )
    except FileNotFoundError:
        raise AgentError(
            "no-scheduler",
            f"There is no `{argv[0]}` on this host. Give a login node of the cluster as the plan's host, or leave `scheduler` out.",
        ) from None
    except subprocess.TimeoutExpired:
        raise Unanswered(f"`{argv[0]}` did not answer within {seconds:g} s. Is slurmctld there?") from None
    if done.returncode != 0:
        said = " ".join(done.stderr.decode("utf-8", "replace").split())[-500:]
        raise AgentError("scheduler", f"`{argv[0]}` failed: {said or f'exit status {done.returncode}'}")
    return done.stdout.decode("utf-8", "replace")


def submit(argv: Sequence[str], batch: bytes) -> str:
    """The job's number. `--parsable` prints it, with `;cluster` behind it where there are several."""
    try:
        said = call(argv, batch).strip()
    except Unanswered:
        raise
    except AgentError as error:
        raise AgentError(error.code, refusal_words(str(error))) from error
    job = said.split("\n")[-1].split(";")[0]
    if not job.isdigit():
        raise AgentError("scheduler", f"`sbatch` answered {said[:200]!r} and no number of a job.")
    return job


def rows_named(name: str, every_state: bool = True) -> List[JobRow]:
    """Tasks of this user's jobs of the name; with `every_state` those too that ended some minutes ago."""
    states = ["--states=all"] if every_state else []
    said = call(
        [
            "squeue",
            "--noheader",
            "--array",
            *states,
            option("name", name),
            option("user", os.geteuid()),
            option("format", FORMAT),
        ],
        seconds=QUEUE_SECONDS,
    )
    return [row for line in said.splitlines() for row in [parse_row(line)] if row]


def parse_row(line: str) -> Optional[JobRow]:
    cells = line.strip().split("|", 6)
    if len(cells) != 7 or not cells[1].isdigit():
        return None
    job, task, state, partition, start, nodes, reason = cells
    return JobRow(job, int(task), state, partition, None if start in ("N/A", "") else start, nodes, reason)


def waiting_before(row: JobRow) -> Optional[int]:
    """Jobs that wait before this one in its partition, by priority; None where they are not shown to this user."""
    said = call(
        [
            "squeue",
            "--noheader",
            "--states=PENDING",
            option("partition", row.partition),
            "--sort=-p,i",
            "--format=%F",
        ],
        seconds=QUEUE_SECONDS,
    )
    jobs = said.split()
    return jobs.index(row.job) if row.job in jobs else None


def cancel_named(name: str) -> None:
    call(["scancel", "--quiet", option("name", name), option("user", os.geteuid())])


# Of one task, `array_task`: SLURM_JOB_ID of the task that an array splits off last is the number of the whole array, and
# Slurm takes it for all of its tasks.


def cancel_task(task: str) -> None:
    call(["scancel", "--quiet", task])


def fields_of(task: str) -> dict:
    """`scontrol show job`: {JobState: RUNNING, Restarts: 0, …}."""
    said = call(["scontrol", "show", "job", "--oneliner", task])
    return dict(word.split("=", 1) for word in said.split() if "=" in word)


def requeue(task: str) -> None:
    """Without `Incomplete` Slurm brings back what was cancelled, and refuses what waits again already."""
    call(["scontrol", "requeue", "Incomplete", task])
