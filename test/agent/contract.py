"""Checks records against the TypeScript interfaces themselves, so that the contract is written down once.

Reads the part of TypeScript's type language that src/protocol/agent.ts and what it imports are written in.
"""

import os
import re

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "src")
FILES = (
    "protocol/agent.ts",
    "protocol/agentJournal.ts",
    "protocol/agentProbe.ts",
    "protocol/agentTelemetry.ts",
    "core/sweep/measurement.ts",
    "core/sweep/resultRecord.ts",
    "core/sweep/run.ts",
    "core/sweep/simulatedEngine.ts",
    "core/engine/deployment.ts",
)

TOKEN = re.compile(r"\s+|//[^\n]*|/\*.*?\*/|(?P<token>'[^']*'|[A-Za-z_]\w*|\d+|=>|[{}()\[\]<>|&;:,?=.])", re.S)


def tokens(text):
    position, found = 0, []
    while position < len(text):
        match = TOKEN.match(text, position)
        if not match:
            raise AssertionError(f"contract.py cannot read {text[position : position + 40]!r}")
        position = match.end()
        if match.group("token"):
            found.append(match.group("token"))
    return found


class Parser:
    def __init__(self, words):
        self.words = words
        self.at = 0

    def next(self):
        self.at += 1
        return self.words[self.at - 1]

    def take(self, word):
        if self.words[self.at : self.at + 1] == [word]:
            self.at += 1
            return True
        return False

    def need(self, word):
        if not self.take(word):
            raise AssertionError(f"contract.py expected {word!r} at {' '.join(self.words[self.at : self.at + 8])}")

    def type(self):
        self.take("|")
        options = [self.intersection()]
        while self.take("|"):
            options.append(self.intersection())
        return options[0] if len(options) == 1 else ("union", options)

    def intersection(self):
        parts = [self.postfix()]
        while self.take("&"):
            parts.append(self.postfix())
        return parts[0] if len(parts) == 1 else ("all", parts)

    def postfix(self):
        self.take("readonly")
        kind = self.primary()
        while self.take("["):
            if self.take("]"):
                kind = ("list", kind)
            else:
                kind = ("field", kind, self.next().strip("'"))
                self.need("]")
        return kind

    def primary(self):
        if self.take("("):
            kind = self.type()
            self.need(")")
            return kind
        if self.take("{"):
            return self.members()
        if self.take("["):
            items = [self.type()]
            while self.take(","):
                items.append(self.type())
            self.need("]")
            return ("tuple", items)
        word = self.next()
        if word.startswith("'"):
            return ("literal", word[1:-1])
        if word.isdigit():
            return ("literal", int(word))
        if self.take("<"):
            arguments = [self.type()]
            while self.take(","):
                arguments.append(self.type())
            self.need(">")
            return ("generic", word, arguments)
        return ("name", word)

    def members(self):
        fields = {}
        while not self.take("}"):
            self.take("readonly")
            name = self.next()
            optional = self.take("?")
            self.need(":")
            fields[name] = (self.type(), optional)
            self.take(";")
        return ("object", fields)


def declarations():
    found = {}
    for file in FILES:
        with open(os.path.join(SOURCE, file), encoding="utf-8") as source:
            parser = Parser(tokens(source.read()))
        while parser.at < len(parser.words):
            word = parser.next()
            if word == "interface":
                name = parser.next()
                base = ("name", parser.next()) if parser.take("extends") else None
                parser.need("{")
                members = parser.members()
                found[name] = ("all", [base, members]) if base else members
            elif word == "type" and parser.words[parser.at] != "{":
                name = parser.next()
                parser.need("=")
                found[name] = parser.type()
    return found


TYPES = declarations()

PRIMITIVES = {
    "string": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "true": lambda value: value is True,
    "false": lambda value: value is False,
    "unknown": lambda value: True,
}


def problems(value, kind, path="$"):
    """What of `value` is not as the type says; empty where all of it is. Fields that the type lacks are problems too."""
    tag = kind[0]
    if tag == "name":
        if kind[1] in PRIMITIVES:
            return [] if PRIMITIVES[kind[1]](value) else [f"{path}: not {kind[1]}: {value!r}"]
        return problems(value, TYPES[kind[1]], path)
    if tag == "field":
        return problems(value, merged(kind[1])[1][kind[2]][0], path)
    if tag == "literal":
        return [] if value == kind[1] and type(value) is type(kind[1]) else [f"{path}: not {kind[1]!r}: {value!r}"]
    if tag == "union":
        tries = [problems(value, option, path) for option in kind[1]]
        return min(tries, key=len)
    if tag == "all":
        return problems(value, merged(kind), path)
    if tag == "list":
        if not isinstance(value, list):
            return [f"{path}: not a list"]
        return [found for index, item in enumerate(value) for found in problems(item, kind[1], f"{path}[{index}]")]
    if tag == "tuple":
        if not isinstance(value, list) or len(value) != len(kind[1]):
            return [f"{path}: not a list of {len(kind[1])}"]
        return [
            found for index, item in enumerate(value) for found in problems(item, kind[1][index], f"{path}[{index}]")
        ]
    if tag == "generic":
        name, arguments = kind[1], kind[2]
        if name in ("Readonly", "Partial"):
            return problems(value, arguments[0], path)
        if name == "Record" and isinstance(value, dict):
            return [found for key, item in value.items() for found in problems(item, arguments[1], f"{path}.{key}")]
        return [f"{path}: not a {name}"]
    if not isinstance(value, dict):
        return [f"{path}: not an object"]
    fields = kind[1]
    found = [f"{path}.{name}: missing" for name, (_, optional) in fields.items() if name not in value and not optional]
    for name, item in value.items():
        found += (
            problems(item, fields[name][0], f"{path}.{name}")
            if name in fields
            else [f"{path}.{name}: not in the contract"]
        )
    return found


def merged(kind):
    """An intersection of objects, and of a union of objects, as one type."""
    if kind[0] == "name":
        return merged(TYPES[kind[1]])
    if kind[0] == "object":
        return kind
    if kind[0] == "union":
        options = map(merged, kind[1])
        return ("union", [one for option in options for one in (option[1] if option[0] == "union" else [option])])
    result = ("object", {})
    for part in map(merged, kind[1]):
        parts = part[1] if part[0] == "union" else [part]
        bases = result[1] if result[0] == "union" else [result]
        options = [("object", {**base[1], **extra[1]}) for base in bases for extra in parts]
        result = options[0] if len(options) == 1 else ("union", options)
    return result


def check(value, name):
    found = problems(value, ("name", name))
    if found:
        raise AssertionError(f"{str(value)[:200]} is no {name}: {'; '.join(found)}")
