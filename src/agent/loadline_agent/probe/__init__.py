"""The `probe` verb: what this host is. Each part has its time; what fails or takes longer is said, and the rest stands."""

from .report import probe_host

__all__ = ["probe_host"]
