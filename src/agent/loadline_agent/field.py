"""A value of a request with its path, asked for what it must be."""

from typing import Any, Dict, List, Optional

from .errors import BadRequest


class Field:
    """A value with its path, so that a complaint says where."""

    def __init__(self, value: Any, path: str) -> None:
        self.value = value
        self.path = path or "the request"

    def wrong(self, expected: str) -> BadRequest:
        return BadRequest(f"{self.path}: expected {expected}, got {describe(self.value)}.")

    def child(self, name: str) -> "Field":
        record = self.record()
        path = name if self.path == "the request" else f"{self.path}.{name}"
        if name not in record:
            raise BadRequest(f"{path}: missing.")
        return Field(record[name], path)

    def optional(self, name: str) -> Optional["Field"]:
        return self.child(name) if self.record().get(name) is not None else None

    def record(self) -> Dict[str, Any]:
        if not isinstance(self.value, dict):
            raise self.wrong("an object")
        return self.value

    def items(self) -> List["Field"]:
        if not isinstance(self.value, list):
            raise self.wrong("a list")
        return [Field(item, f"{self.path}[{index}]") for index, item in enumerate(self.value)]

    def text(self) -> str:
        if not isinstance(self.value, str):
            raise self.wrong("a string")
        # JSON can write half of a pair of code units, and nothing can be done with it.
        try:
            self.value.encode()
        except UnicodeEncodeError:
            raise self.wrong("text that can be encoded") from None
        return self.value

    def word(self) -> str:
        if not self.text():
            raise self.wrong("a string that is not empty")
        if "\0" in self.text():
            raise self.wrong("a string without NUL")
        return self.text()

    def one_of(self, *choices: str) -> str:
        if self.value not in choices:
            raise self.wrong(" or ".join(f"`{choice}`" for choice in choices))
        return self.value

    def boolean(self) -> bool:
        if not isinstance(self.value, bool):
            raise self.wrong("true or false")
        return self.value

    def integer(self, minimum: int) -> int:
        if isinstance(self.value, bool) or not isinstance(self.value, int) or self.value < minimum:
            raise self.wrong(f"an integer of at least {minimum}")
        return self.value

    def number(self, minimum: float, exclusive: bool = False) -> float:
        good = (
            isinstance(self.value, (int, float)) and not isinstance(self.value, bool) and self.value - self.value == 0
        )
        if not good or self.value < minimum or (exclusive and self.value == minimum):
            raise self.wrong(f"a number {'above' if exclusive else 'of at least'} {minimum}")
        return self.value

    def words_by_name(self) -> Dict[str, str]:
        words = {name: self.child(name).text() for name in self.record()}
        for name, word in words.items():
            if "\0" in word:
                raise self.child(name).wrong("a string without NUL")
        return words


def describe(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else "a list"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def check_above_zero(field: Optional[Field]) -> None:
    if field:
        field.number(0, exclusive=True)
