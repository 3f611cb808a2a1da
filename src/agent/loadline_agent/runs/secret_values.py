"""Values that must not reach a file of the run: the engine's key, and what environment and command line hold of the kind."""

import re
from typing import Dict, Iterable, List

#: Names of variables and options whose values are secret. A token or a key ends its name:
#: `TOKENIZERS_PARALLELISM`, `max-num-batched-tokens` and `long-prefill-token-threshold` are no secrets.
SECRET_NAME = re.compile(r"(?:token|key)[_\d]*\Z|secret|passw(?:or)?d|passphrase|credential", re.I)

#: A shorter value is no secret, and would be found in every other line.
LEAST_SECRET = 4
#: Of the host's own variables, whose names nobody chose for a run (`LESSKEY=on`), and of lines of a longer secret.
LEAST_OF_HOST = 8

MASK = "[secret]"


class Secrets:
    def __init__(self, values: Iterable[str]) -> None:
        # The longest first: one may be a part of another.
        self.values = sorted({value for value in values if len(value) >= LEAST_SECRET}, key=len, reverse=True)

    def clean(self, text: str) -> str:
        for value in self.values:
            text = text.replace(value, MASK)
        return text


def secrets_given(argv: List[str], environment: Dict[str, str]) -> List[str]:
    return [value for name, value in environment.items() if SECRET_NAME.search(name)] + secret_arguments(argv)


def secrets_of_host(environment: Dict[str, str]) -> List[str]:
    """What an engine finds in the environment that it is started in. A key of several lines is printed line by line, too."""
    values = [value for name, value in environment.items() if SECRET_NAME.search(name)]
    lines = [line for value in values for line in value.splitlines()]
    return [value for value in [*values, *lines] if len(value) >= LEAST_OF_HOST]


def secret_arguments(argv: List[str]) -> List[str]:
    """Values whose names say that they are secret: `--api-key a b`, `--hf-token=c`, `env HF_TOKEN=d`."""
    found, follows = [], False
    for word in argv:
        name, assigned, value = word.partition("=")
        named = SECRET_NAME.search(name) is not None
        if word.startswith("-"):
            follows = named and not assigned
        if assigned and named:
            found.append(value)
        elif follows and not word.startswith("-"):
            found.append(word)
    return found


class SecretStream:
    """Takes secrets out of bytes that come in parts, wherever the parts are cut: what may be the beginning of one is held back."""

    def __init__(self, secrets: Secrets) -> None:
        self._values = [value.encode("utf-8", "surrogateescape") for value in secrets.values]
        self._pattern = re.compile(b"|".join(map(re.escape, self._values))) if self._values else None
        self._held = b""

    def take(self, part: bytes) -> bytes:
        if self._pattern is None:
            return part
        data = self._held + part
        cleaned, at, hold = [], 0, self._beginning(data, 0)
        for match in self._pattern.finditer(data):
            if match.start() >= hold:
                break
            cleaned += [data[at : match.start()], MASK.encode()]
            at = match.end()
            hold = self._beginning(data, at)
        self._held = data[hold:]
        return b"".join([*cleaned, data[at:hold]])

    def end(self) -> bytes:
        """What is held. Most of a secret is one, too."""
        held, self._held = self._held, b""
        if len(held) >= LEAST_OF_HOST or self._pattern is None:
            return MASK.encode() if held else b""
        return self._pattern.sub(MASK.encode(), held)

    def _beginning(self, data: bytes, start: int) -> int:
        """Where, at the end of `data`, a secret begins that is not all there; the length of `data` where none does."""
        found = len(data)
        for value in self._values:
            at = data.find(value[:1], max(start, len(data) - len(value) + 1))
            while 0 <= at < found:
                if value.startswith(data[at:]):
                    found = at
                at = data.find(value[:1], at + 1)
        return found
