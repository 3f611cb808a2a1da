"""The SimulatedEngine document (core/sweep/simulatedEngine.ts), checked."""

import json
from typing import Any, Dict, Optional


class BadParameters(Exception):
    """The document cannot be simulated; the message names the field."""


class Parameters:
    """Every number of the simulated engine. It works none of them out: they were handed to it."""

    def __init__(self, document: Any) -> None:
        if not isinstance(document, dict):
            raise BadParameters("the simulated engine's parameters must be a JSON object")
        self.model_name = _text(document, "modelName")
        self.engine_version = _text(document, "engineVersion")
        self.startup_seconds = _number(document, "startupSeconds", 0)
        start = _object(document, "start")
        self.outcome = start.get("outcome")
        if self.outcome not in ("serves", "refuses", "out-of-memory"):
            raise BadParameters(f"start.outcome must be serves, refuses or out-of-memory, not {self.outcome!r}")
        self.exit_code = 0 if self.outcome == "serves" else _whole(start, "exitCode", 1)
        self.log_lines = document.get("logLines")
        if not isinstance(self.log_lines, list) or not all(isinstance(line, str) for line in self.log_lines):
            raise BadParameters("logLines must be a list of lines")
        serves = 1 if self.outcome == "serves" else 0
        self.max_model_len = _whole(document, "maxModelLen", 1)
        self.max_num_seqs = _whole(document, "maxNumSeqs", 1)
        self.max_num_batched_tokens = _whole(document, "maxNumBatchedTokens", 1)
        self.block_size = _whole(document, "blockSize", 1)
        self.kv_blocks = _whole(document, "kvBlocks", serves)
        if serves and self.kv_blocks < -(-self.max_model_len // self.block_size):
            raise BadParameters(
                f"kvBlocks: {self.kv_blocks} blocks of {self.block_size} tokens hold less than one request of "
                f"maxModelLen {self.max_model_len}"
            )
        step = _object(document, "step")
        self.base_seconds = _number(step, "baseMs", 0) / 1000.0
        self.per_sequence_seconds = _number(step, "perSequenceMs", 0) / 1000.0
        self.per_kv_token_seconds = _number(step, "perKvTokenMs", 0) / 1000.0
        self.per_prefill_token_seconds = _number(step, "perPrefillTokenMs", 0) / 1000.0
        noise = _object(document, "noise")
        self.relative_deviation = _number(noise, "relativeDeviation", 0)
        self.seed = _whole(noise, "seed", None)


def read_parameters(path: str) -> Parameters:
    """Raises BadParameters, OSError."""
    with open(path, encoding="utf-8") as file:
        try:
            document = json.load(file)
        except ValueError as error:
            raise BadParameters(f"{path}: {error}") from error
    return Parameters(document)


def _object(document: Dict[str, Any], name: str) -> Dict[str, Any]:
    value = document.get(name)
    if not isinstance(value, dict):
        raise BadParameters(f"{name} must be an object, not {value!r}")
    return value


def _text(document: Dict[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value:
        raise BadParameters(f"{name} must be a text, not {value!r}")
    return value


def _number(document: Dict[str, Any], name: str, least: float) -> float:
    value = document.get(name)
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not least <= value < float("inf"):
        raise BadParameters(f"{name} must be a number of at least {least}, not {value!r}")
    return value


def _whole(document: Dict[str, Any], name: str, least: Optional[int]) -> int:
    value = document.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadParameters(f"{name} must be a whole number, not {value!r}")
    if least is not None and value < least:
        raise BadParameters(f"{name} must be at least {least}, not {value}")
    return value
