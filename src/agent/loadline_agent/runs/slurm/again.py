"""A task that has itself queued again before its time is over, from a controller that may be slow or away."""

import time
from typing import Callable, Optional, TypeVar

from ...errors import AgentError
from ..folder import RunFolder
from .place import Place, is_cancelled
from .programs import MOST_WARNING_SECONDS, Unanswered, cancel_task, fields_of, requeue

Answer = TypeVar("Answer")

#: A controller that was asked in vain is asked again after this.
PAUSE_SECONDS = 2.0


def patiently(ask: Callable[[], Answer]) -> Answer:
    """Asks until it is answered, or until Slurm would have ended this job."""
    end = time.monotonic() + MOST_WARNING_SECONDS
    while True:
        try:
            return ask()
        except AgentError:
            if time.monotonic() > end:
                raise
        time.sleep(PAUSE_SECONDS)


def queue_again(run: RunFolder, place: Place) -> None:
    """Returns when Slurm has the task in its queue. AgentError `scheduler` where it refuses, or does not answer in time."""
    refusal = patiently(lambda: refusal_of(place))
    if refusal is not None:
        raise AgentError("scheduler", f"Slurm refused to queue it again. {refusal} Resume the run to go on.") from refusal
    if is_cancelled(run):
        # Just now: `cancel` may have looked before this was in the queue.
        cancel_task(place.name)


def refusal_of(place: Place) -> Optional[AgentError]:
    """None when the task is queued again. AgentError while nobody says whether it is."""
    try:
        requeue(place.name)
        return None
    except Unanswered:
        raise
    except AgentError as error:
        # Slurm may have done it, and its answer was lost.
        return None if restarts_of(fields_of(place.name)) > place.restarts else error


def restarts_of(fields: dict) -> int:
    return int(fields.get("Restarts", "0"))
