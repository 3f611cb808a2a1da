"""What a run's engines may have left on the host: processes, containers, the pipes of an MPS daemon, sockets."""

from ..errors import AgentError
from ..processes import kill_leftovers
from .containers import end_containers, how_to_find_containers
from .folder import RunFolder
from .mps import remove_directory
from .sockets import remove_sockets


def end_leftovers(folder: RunFolder) -> None:
    """Raises AgentError where something of it is still there."""
    ended = kill_leftovers(folder.run, folder.home, folder.engine_leaders())
    contained = end_containers(folder)
    if not ended:
        raise AgentError(
            "leftovers",
            f"Processes of the run {folder.run} do not end. Look for LOADLINE_RUN={folder.run} in /proc/*/environ and end them.",
        )
    remove_directory(folder)
    remove_sockets(folder)
    if not contained:
        raise AgentError("leftovers", how_to_find_containers(folder))
