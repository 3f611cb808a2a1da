"""The nvidia-smi program where its library cannot be used: one process in a query loop, its rows read as they come.

It has no PCIe, NVLink or SM activity and no energy. Fields are asked for by the names that this program's own
`--help-query-gpu` lists: one that it does not know would fail the whole query.
"""

import os
import re
import shutil
import subprocess
import threading
import time
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence

from ..processes import default_signals, die_with, process_name, process_user
from ..sampling.reading import Mode, Reading, Unavailable
from .unavailable import DeviceUnavailable

#: Exec of a query takes 36-42 ms (H200, driver 580.159.04); seconds where persistence mode is off.
QUERY_SECONDS = 20
#: No loop is asked for more often: utilisation does not change faster.
LEAST_LOOP_MS = 200
#: Rows older than so many loops are no readings of now.
STALE_LOOPS = 5

MIB = 1048576

#: What stands in a cell that has no reading.
ABSENT = re.compile(
    r"\[?(N/A|Not Supported|Not Available|Insufficient Permissions|Unknown Error|GPU requires reset|No data|"
    r"Requested functionality has been deprecated)\]?|ERR!",
    re.I,
)


class SmiField(NamedTuple):
    column: str
    #: Names by which programs of different drivers know it, newest first.
    names: Sequence[str]
    number: Callable[[str], float]


def _decimal(text: str) -> float:
    return float(text)


FIELDS = (
    SmiField("memoryUsedBytes", ("memory.used",), lambda text: int(float(text) * MIB)),
    SmiField("utilizationPercent", ("utilization.gpu",), _decimal),
    SmiField("powerWatts", ("power.draw.instant", "power.draw"), _decimal),
    SmiField("smClockMHz", ("clocks.current.sm", "clocks.sm"), _decimal),
    SmiField("memoryClockMHz", ("clocks.current.memory", "clocks.mem"), _decimal),
    SmiField("temperatureCelsius", ("temperature.gpu",), _decimal),
    SmiField(
        "throttleReasons",
        ("clocks_event_reasons.active", "clocks_throttle_reasons.active"),
        lambda text: int(text, 16),
    ),
)
STATIC = ("index", "uuid", "driver_version", "memory.total", "memory.reserved", "power.limit", "compute_cap", "name")


def known_fields(help_text: str) -> List[str]:
    """Names in the output of `--help-query-gpu`: the quoted strings that begin a line, aliases behind `or`."""
    found: List[str] = []
    for line in help_text.splitlines():
        if line.startswith('"'):
            found += re.findall(r'"([^"]+)"', line)
    return found


def parse_cell(text: str) -> Optional[str]:
    """None where the cell has no reading."""
    text = text.strip()
    return None if not text or ABSENT.fullmatch(text) else text


def parse_row(line: str, columns: Sequence[str]) -> Optional[Dict[str, Optional[str]]]:
    """Cells of a `csv,noheader,nounits` row by column; None for a line that is none. The last cell may hold commas."""
    cells = line.split(", ", len(columns) - 1)
    return dict(zip(columns, map(parse_cell, cells))) if len(cells) == len(columns) else None


class NvidiaSmiDevice:
    """`command`: the program and what comes before the options."""

    source = "nvidia-smi"
    rung = "nvidia-smi"
    recorded = False

    def __init__(self, indices: Optional[list] = None, command: Optional[Sequence[str]] = None) -> None:
        found = shutil.which("nvidia-smi")
        self._command = list(command) if command else [found] if found else []
        if not self._command:
            raise DeviceUnavailable("nvidia-smi is not in PATH")
        known = set(known_fields(self._ask("--help-query-gpu")))
        static = [name for name in STATIC if name in known]
        rows = self._ask(f"--query-gpu={','.join(static)}", "--format=csv,noheader,nounits").splitlines()
        read = [parse_row(line, static) for line in rows if line.strip()]
        self._static = [row for row in read if row and (not indices or int(row["index"] or -1) in indices)]
        if not self._static:
            raise DeviceUnavailable("nvidia-smi lists no GPU")
        self.driver: Optional[str] = self._static[0].get("driver_version")
        self.cuda: Optional[str] = None
        self.detail = f"nvidia-smi of driver {self.driver or 'unknown'}: no PCIe, NVLink or SM activity, no energy"
        self._names = {
            field.column: next(name for name in field.names if name in known)
            for field in FIELDS
            if any(name in known for name in field.names)
        }
        self._loop: Optional[SmiLoop] = None

    def _ask(self, *options: str) -> str:
        try:
            done = subprocess.run(
                [*self._command, *options],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=QUERY_SECONDS,
            )
        except subprocess.TimeoutExpired:
            raise DeviceUnavailable(f"nvidia-smi did not answer within {QUERY_SECONDS} s") from None
        except OSError as error:
            raise DeviceUnavailable(f"{self._command[0]}: {error.strerror}") from None
        text = done.stdout.decode("utf-8", "replace")
        if done.returncode != 0:
            said = " ".join(text.split())[:200]
            raise DeviceUnavailable(
                f"nvidia-smi failed with exit status {done.returncode}: {said or 'it said nothing'}"
            )
        return text

    def gpus(self) -> List[dict]:
        return [
            {
                "index": int(row["index"] or 0),
                "uuid": row.get("uuid") or "",
                "name": row.get("name") or "",
                "memoryTotalBytes": mebibytes(row.get("memory.total")) or 0,
                "memoryUsedBytes": None,
                "powerLimitWatts": float(row["power.limit"] or 0) if row.get("power.limit") else None,
                "memoryReservedBytes": mebibytes(row.get("memory.reserved")),
                "computeCapability": row.get("compute_cap"),
            }
            for row in self._static
        ]

    def memory_used(self) -> Dict[int, Optional[int]]:
        """Bytes in use now, by index."""
        text = self._ask("--query-gpu=index,memory.used", "--format=csv,noheader,nounits")
        rows = [parse_row(line, ("index", "used")) for line in text.splitlines() if line.strip()]
        return {int(row["index"]): mebibytes(row["used"]) for row in rows if row and row["index"]}

    def compute_processes(self) -> Dict[str, List[dict]]:
        """GpuProcess by the GPU's uuid."""
        columns = ("gpu_uuid", "pid", "process_name", "used_gpu_memory")
        text = self._ask(f"--query-compute-apps={','.join(columns)}", "--format=csv,noheader,nounits")
        found: Dict[str, List[dict]] = {}
        for line in text.splitlines():
            row = parse_row(line, columns) if line.strip() else None
            if row and row["pid"] and row["pid"].isdigit():
                pid = int(row["pid"])
                name = process_name(pid) or os.path.basename(row["process_name"] or "") or None
                process = {"pid": pid, "name": name, "memoryBytes": mebibytes(row["used_gpu_memory"]), **process_user(pid)}
                found.setdefault(row["gpu_uuid"] or "", []).append(process)
        return found

    def readings(self, mode: Mode, interval: float, keep_power: bool = False) -> List[Reading]:
        period_ms = max(LEAST_LOOP_MS, round(interval * 1000))
        self.close()
        loop = self._loop = SmiLoop(self._command, self._names, period_ms)
        indices = [str(row["index"]) for row in self._static]
        return [
            Reading(
                "nvidia-smi",
                tuple(self._names),
                0,
                f"nvidia-smi --query-gpu in a loop of {period_ms} ms",
                lambda position: loop.row(indices[position]),
            )
        ]

    def close(self) -> None:
        if self._loop:
            self._loop.close()
            self._loop = None


def mebibytes(text: Optional[str]) -> Optional[int]:
    return int(float(text) * MIB) if text else None


class SmiLoop:
    """The running query. It flushes each row into a pipe by itself, and ends with us however we end."""

    def __init__(self, command: Sequence[str], names: Dict[str, str], period_ms: int) -> None:
        self._numbers = {field.column: field.number for field in FIELDS}
        self._columns = list(names)
        self._stale = STALE_LOOPS * period_ms / 1000
        #: GPU -> (when it came, values).
        self._rows: Dict[str, tuple] = {}
        self._began = time.monotonic()
        self._last_words = ""
        parent = os.getpid()

        def in_child() -> None:
            default_signals()
            die_with(parent)

        self._process = subprocess.Popen(
            [
                *command,
                f"--query-gpu=index,{','.join(names.values())}",
                "--format=csv,noheader,nounits",
                "-lms",
                str(period_ms),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            preexec_fn=in_child,
        )
        self._thread = threading.Thread(target=self._read, name="nvidia-smi", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        stream = self._process.stdout
        if stream is None:
            return
        for line in stream:
            self.take(line.decode("utf-8", "replace").rstrip("\r\n"))

    def take(self, line: str) -> None:
        cells = parse_row(line, ["index", *self._columns])
        if cells is None or not (cells["index"] or "").isdigit():
            self._last_words = line or self._last_words
            return
        values: List[Optional[float]] = []
        for column in self._columns:
            cell = cells[column]
            try:
                values.append(self._numbers[column](cell) if cell is not None else None)
            except ValueError:
                values.append(None)
        self._rows[str(cells["index"])] = (time.monotonic(), values)

    def row(self, index: str) -> List[Optional[float]]:
        at, values = self._rows.get(index, (self._began, None))
        if time.monotonic() - at <= self._stale:
            return values if values is not None else [None] * len(self._columns)
        status = self._process.poll()
        if status is not None:
            raise Unavailable(f"nvidia-smi ended with exit status {status}: {self._last_words[:200]}")
        raise Unavailable(f"nvidia-smi has printed no row for {self._stale:g} s")

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._thread.join()
        if self._process.stdout:
            self._process.stdout.close()
