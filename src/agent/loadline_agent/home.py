"""The folder on the host that runs and locks live in. Private: plans, logs and engine environments are in it."""

import os
import stat

from .errors import AgentError, raise_if_full


def home_path() -> str:
    given = os.environ.get("LOADLINE_HOME")
    if given:
        return os.path.abspath(given)
    # The XDG specification: a relative path there is to be ignored.
    cache = os.environ.get("XDG_CACHE_HOME", "")
    return os.path.join(cache if os.path.isabs(cache) else os.path.expanduser("~/.cache"), "loadline")


def ensure_home() -> str:
    """The home, made if need be. Refused where another user could have put something into it."""
    home = home_path()
    try:
        os.makedirs(os.path.dirname(home), exist_ok=True)
        for path in (home, runs_path(home), locks_path(home)):
            make_private(path)
    except OSError as error:
        raise_if_full(error, home)
        raise AgentError(
            "home",
            f"Cannot use {error.filename or home}: {error.strerror}. Set LOADLINE_HOME to a folder that you own.",
        ) from error
    return home


def make_private(path: str) -> None:
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        pass
    about = os.lstat(path)
    if not stat.S_ISDIR(about.st_mode):
        kind = "a symbolic link" if stat.S_ISLNK(about.st_mode) else "not a folder"
        raise AgentError(
            "home", f"{path} is {kind}; Loadline keeps its runs in a folder of its own. Remove it or set LOADLINE_HOME."
        )
    if about.st_uid != os.geteuid():
        raise AgentError(
            "home",
            f"{path} belongs to user {about.st_uid}, not to you ({os.geteuid()}). Set LOADLINE_HOME to a folder that you own.",
        )
    if stat.S_IMODE(about.st_mode) & 0o077:
        os.chmod(path, 0o700)


def runs_path(home: str) -> str:
    return os.path.join(home, "runs")


def locks_path(home: str) -> str:
    return os.path.join(home, "locks")
