"""Programs of the host that are asked something (docker, nvidia-cuda-mps-control), within a time."""

import subprocess
import tempfile
import time
from typing import Dict, NamedTuple, Optional, Sequence

from ..processes import default_signals
from .watch import Watch

POLL_SECONDS = 0.02
LONGEST_SAID = 1 << 20


class Asked(NamedTuple):
    #: Exit status; None where it did not answer in time, or is not there.
    status: Optional[int]
    #: What it printed, both channels.
    said: str
    missing: bool = False

    @property
    def ok(self) -> bool:
        return self.status == 0


def ask(
    argv: Sequence[str],
    seconds: float,
    watch: Optional[Watch] = None,
    environment: Optional[Dict[str, str]] = None,
    stdin: str = "",
) -> Asked:
    """`watch`: waited under; left out where a run is being ended and nothing may interrupt that."""
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as given:
        given.write(stdin.encode())
        given.seek(0)
        try:
            process = subprocess.Popen(
                list(argv),
                stdin=given,
                stdout=said,
                stderr=said,
                env=environment,
                start_new_session=True,
                preexec_fn=default_signals,
            )
        except OSError as error:
            return Asked(None, error.strerror or str(error), isinstance(error, FileNotFoundError))
        end = time.monotonic() + seconds
        try:
            while process.poll() is None and time.monotonic() < end:
                if watch is not None:
                    watch.wait(POLL_SECONDS)
                else:
                    time.sleep(POLL_SECONDS)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
                status = None
            else:
                status = process.returncode
        said.seek(0)
        text = said.read(LONGEST_SAID).decode("utf-8", "replace").strip()
    return Asked(status, text if status is not None else f"no answer within {seconds:g} s")
