"""What a verb can fail with. Every failure leaves as one ErrorRecord that says what to do."""

import errno

#: A full file system, a quota, a file size limit: one remedy for all of them.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class AgentError(Exception):
    """`code` is stable and greppable; the message is for people."""

    exit_status = 1

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code

    def record(self) -> dict:
        return {"type": "error", "code": self.code, "message": str(self)}


class BadRequest(AgentError):
    exit_status = 2

    def __init__(self, message: str, code: str = "bad-request") -> None:
        super().__init__(code, message)


class DiskFull(AgentError):
    def __init__(self, path: str, error: OSError) -> None:
        super().__init__("disk-full", f"Cannot write {path}: {error.strerror}. Free space there, then resume the run.")


def raise_if_full(error: OSError, path: str) -> None:
    """Call in an OSError handler: a full disk is its own failure, everything else stays what it is."""
    if error.errno in FULL:
        raise DiskFull(path, error) from error
