"""Values that must not reach the journal: the engine's key, and what a plan's environment or command holds of the kind."""

import re
from typing import Dict, Iterable, List

#: Names of variables and options whose values are secret. A token or a key ends its name:
#: `TOKENIZERS_PARALLELISM`, `max-num-batched-tokens` and `long-prefill-token-threshold` are no secrets.
SECRET_NAME = re.compile(r"(?:token|key)[_\d]*\Z|secret|passw(?:or)?d|passphrase|credential", re.I)

#: A shorter value is no secret, and would be found in every other line.
LEAST_SECRET = 4


class Secrets:
    def __init__(self, values: Iterable[str]) -> None:
        # The longest first: one may be a part of another.
        self._values = sorted({value for value in values if len(value) >= LEAST_SECRET}, key=len, reverse=True)

    def clean(self, text: str) -> str:
        for value in self._values:
            text = text.replace(value, "[secret]")
        return text


def secrets_given(argv: List[str], environment: Dict[str, str]) -> List[str]:
    return [value for name, value in environment.items() if SECRET_NAME.search(name)] + secret_arguments(argv)


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
