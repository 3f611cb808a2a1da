"""The SimulatedEngine document (core/sweep/simulatedEngine.ts), checked."""

import json


class BadParameters(Exception):
    """The document cannot be simulated; the message names the field."""


class Parameters(object):
    """Every number of the simulated engine. It works none of them out: they were handed to it."""

    def __init__(self, document):
        if not isinstance(document, dict):
            raise BadParameters("the simulated engine's parameters must be a JSON object")
        self.model_name = _text(document, "modelName")
        self.engine_version = _text(document, "engineVersion")
        self.startup_seconds = _number(document, "startupSeconds", 0)
        start = _object(document, "start")
        self.outcome = start.get("outcome")
        if self.outcome not in ("serves", "refuses", "out-of-memory"):
            raise BadParameters("start.outcome must be serves, refuses or out-of-memory, not %r" % (self.outcome,))
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
                "kvBlocks: %d blocks of %d tokens hold less than one request of maxModelLen %d"
                % (self.kv_blocks, self.block_size, self.max_model_len)
            )
        step = _object(document, "step")
        self.base_seconds = _number(step, "baseMs", 0) / 1000.0
        self.per_sequence_seconds = _number(step, "perSequenceMs", 0) / 1000.0
        self.per_kv_token_seconds = _number(step, "perKvTokenMs", 0) / 1000.0
        self.per_prefill_token_seconds = _number(step, "perPrefillTokenMs", 0) / 1000.0
        noise = _object(document, "noise")
        self.relative_deviation = _number(noise, "relativeDeviation", 0)
        self.seed = _whole(noise, "seed", None)


def read_parameters(path):
    """Raises BadParameters, OSError."""
    with open(path, encoding="utf-8") as file:
        try:
            document = json.load(file)
        except ValueError as error:
            raise BadParameters("%s: %s" % (path, error))
    return Parameters(document)


def _object(document, name):
    value = document.get(name)
    if not isinstance(value, dict):
        raise BadParameters("%s must be an object, not %r" % (name, value))
    return value


def _text(document, name):
    value = document.get(name)
    if not isinstance(value, str) or not value:
        raise BadParameters("%s must be a text, not %r" % (name, value))
    return value


def _number(document, name, least):
    value = document.get(name)
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not least <= value < float("inf"):
        raise BadParameters("%s must be a number of at least %s, not %r" % (name, least, value))
    return value


def _whole(document, name, least):
    value = document.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or (least is not None and value < least):
        raise BadParameters("%s must be a whole number of at least %s, not %r" % (name, least, value))
    return value
