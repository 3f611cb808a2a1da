"""Where the load goes: the engine, or its copies, behind an address each."""

import ssl
from typing import NamedTuple, Optional
from urllib.parse import urlsplit

from .profile import BadProfile


class Target(NamedTuple):
    host: str
    port: int
    api_key: Optional[str] = None
    #: Of the certificate check; None: plain HTTP.
    tls: Optional[ssl.SSLContext] = None
    #: What stands before `/v1`.
    path: str = ""

    @property
    def authority(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.authority}{self.path}"


def target_of_url(url: str, api_key: Optional[str] = None) -> Target:
    """`http://host:port`, also https, with or without the `/v1` that OpenAI clients are given. Raises BadProfile."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        port = parts.port
    except ValueError as error:
        raise BadProfile(f"url: {url} is not a URL ({error})") from error
    if parts.username or parts.password:
        raise BadProfile("url: it holds a user name or password; give http://host:port, and a key by itself")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise BadProfile(f"url: expected http://host:port or https://host, got {url}")
    path = parts.path.rstrip("/")
    if path.endswith("/v1"):
        path = path[:-3]
    if not all("!" <= character <= "~" for character in parts.hostname + path):
        raise BadProfile(f"url: {url} has characters that no request can carry")
    tls = ssl.create_default_context() if parts.scheme == "https" else None
    return Target(parts.hostname, port or (443 if tls else 80), api_key, tls, path)
