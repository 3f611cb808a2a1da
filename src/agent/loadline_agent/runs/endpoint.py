"""An engine that runs already: it is asked, and neither started nor stopped."""

import os
import signal
from typing import List, Optional
from urllib.parse import urlsplit

from ..engines.failure import Diagnosis
from .folder import RunFolder
from .http import Address
from .instance import Instance
from .launch import Launch
from .secret_values import Secrets


class EndpointInstance(Instance):
    def __init__(self, folder: RunFolder, launch: Launch) -> None:
        endpoint = launch.endpoint or {}
        self.index = 0
        self.log = ""
        self.gpus = launch.gpus
        self.version = None
        self.steps = {}
        self.command: List[str] = []
        self._folder = folder
        self._launch = launch
        self._process = None
        self._output = None
        self._secrets = Secrets([])
        self._url = endpoint["url"]
        self._key_file: Optional[str] = endpoint.get("apiKeyFile")
        self.address = Address("", 0)

    def start(self) -> None:
        """Reads the key. The address is looked up with each request."""
        try:
            self.address = address_of_url(self._url, self._read_key())
        except ValueError as error:
            raise self.not_started("refused", str(error)) from error
        self._secrets = Secrets([self.address.api_key or ""])

    def _read_key(self) -> Optional[str]:
        if self._key_file is None:
            return None
        path = os.path.expanduser(self._key_file)
        try:
            with open(path, encoding="utf-8") as file:
                key = file.read().strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not text"
            raise self.not_started("key-file", f"The API key cannot be read from {path} on the host: {reason}.") from error
        if not key or not key.isprintable() or not key.isascii() or " " in key:
            raise self.not_started("key-file", f"{path} on the host does not hold one API key: one line, no spaces.")
        return key

    @property
    def started(self) -> bool:
        return False

    def ended(self) -> Optional[str]:
        return None

    def log_lines(self) -> List[str]:
        return []

    def running(self) -> bool:
        return False

    def send(self, number: signal.Signals) -> None:
        """It is not ours."""


def endpoint_silent(launch: Launch, phase: str) -> Diagnosis:
    """Why one did not get ready. It has no log here, and nobody starts it."""
    url, seconds = (launch.endpoint or {})["url"], f"{launch.ready_seconds:g} s"
    if phase == "start":
        message = f"Nothing answered at {url} within {seconds}. Check that the engine runs, and that this is its address as this host sees it."
        return Diagnosis("unreachable", message, [])
    message = f"{url} answered, and did not serve within {seconds}: GET {launch.health} was not 200, or the first request had no answer."
    return Diagnosis("timeout", message, [])


def address_of_url(url: str, api_key: Optional[str]) -> Address:
    """`http://host:port`, also https, with or without the `/v1` that OpenAI clients are given. Raises ValueError for people."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"The endpoint {url} is not of the form http://host:port.")
    if parts.username or parts.password:
        raise ValueError("The endpoint's URL holds a user name or password: put the API key into a file on the host.")
    tls = parts.scheme == "https"
    path = parts.path.rstrip("/")
    return Address(parts.hostname, parts.port or (443 if tls else 80), api_key, tls, path[:-3] if path.endswith("/v1") else path)
