"""What a run's engines may have left on the host: processes, containers, the pipes of an MPS daemon, sockets."""

from ..processes import kill_leftovers
from .containers import end_containers
from .folder import RunFolder
from .mps import remove_directory
from .sockets import remove_sockets


def end_leftovers(folder: RunFolder) -> bool:
    """False where something of it is still there."""
    ended = kill_leftovers(folder.run, folder.home, folder.engine_leaders())
    contained = end_containers(folder)
    if ended:
        remove_directory(folder)
        remove_sockets(folder)
    return ended and contained
