"""What is sent: lengths drawn from the profile, prompts that no cache has seen, bytes ready for the socket."""

import json
import os
import random

# Ids of four digits exist in every vocabulary that serves; a fixed width lets a prompt be a slice of one text.
_FIRST_ID, _LAST_ID, _ID_WIDTH = 1000, 9999, 5
_POOL_IDS = 65536

# Short common words: a token each in the vocabularies of today. `usage` says what they really came to.
_WORDS = (
    "time year people way day man thing woman life child world school state family student group country problem "
    "hand part place case week company system program question work number night point home water room mother "
    "area money story fact month lot right study book eye job word business issue side kind head house service "
    "friend father power hour game line end member law car city name team minute idea body back parent face"
).split()


class BadProfile(Exception):
    """The load profile cannot be driven; the message says which field."""


def draw_lengths(distribution, count, name, seed):
    """``count`` lengths in tokens. Normal ones are drawn again while under 1 (a truncated distribution)."""
    kind = distribution.get("kind")
    if kind == "fixed":
        tokens = distribution.get("tokens")
        if not isinstance(tokens, int) or tokens < 1:
            raise BadProfile("%s.tokens must be a whole number of at least 1, not %r" % (name, tokens))
        return [tokens] * count
    if kind != "normal":
        raise BadProfile("%s.kind must be fixed or normal, not %r" % (name, kind))
    mean, deviation = distribution.get("mean"), distribution.get("deviation")
    if not isinstance(mean, (int, float)) or mean < 1:
        raise BadProfile("%s.mean must be at least 1, not %r" % (name, mean))
    if not isinstance(deviation, (int, float)) or deviation < 0:
        raise BadProfile("%s.deviation must be at least 0, not %r" % (name, deviation))
    # A generator for each use: changing the one distribution leaves the draws of the other as they were.
    generator = random.Random("%s/%s" % (seed, name))
    lengths = []
    while len(lengths) < count:
        length = int(round(generator.gauss(mean, deviation)))
        if length >= 1:
            lengths.append(length)
    return lengths


class RequestFactory(object):
    """Requests of one trial by serial number, warm-up first.

    Lengths follow from the seed alone, so that two configurations get the same load. Prompts begin with a number
    drawn afresh for each trial and the serial number: a prefix cache that has seen an earlier trial, an earlier cell
    or the warm-up has nothing of them. ``nonce`` fixes that number (tests).
    """

    def __init__(self, profile, host, port, api_key, model, nonce=None):
        total = profile["warmupRequests"] + profile["requests"]
        self.input_lengths = draw_lengths(profile["input"], total, "input", profile["seed"])
        self.output_lengths = draw_lengths(profile["output"], total, "output", profile["seed"])
        api, prompt = profile.get("api"), profile.get("prompt")
        if api not in ("completions", "chat"):
            raise BadProfile("api must be completions or chat, not %r" % (api,))
        if prompt not in ("token-ids", "text"):
            raise BadProfile("prompt must be token-ids or text, not %r" % (prompt,))
        if api == "chat" and prompt == "token-ids":
            raise BadProfile("the chat route takes no token ids: use prompt: text, or api: completions")
        self._nonce = nonce if nonce is not None else int.from_bytes(os.urandom(4), "big")
        generator = random.Random("%s/prompts" % profile["seed"])
        longest = max(self.input_lengths) if total else 0
        if prompt == "token-ids":
            ids = [generator.randint(_FIRST_ID, _LAST_ID) for _ in range(_POOL_IDS + longest)]
            self._pool = ",".join(map(str, ids)) + ","
        else:
            self._pool = [generator.choice(_WORDS) for _ in range(_POOL_IDS + longest)]
        self._offsets = [generator.randrange(_POOL_IDS) for _ in range(total)]
        self._prompt = self._ids if prompt == "token-ids" else self._text
        path = "/v1/completions" if api == "completions" else "/v1/chat/completions"
        head = "POST %s HTTP/1.1\r\nHost: %s:%d\r\nAccept: text/event-stream\r\n" % (path, host, port)
        if api_key:
            head += "Authorization: Bearer %s\r\n" % api_key
        self._head = (head + "Content-Type: application/json\r\nContent-Length: ").encode("ascii")
        self._begin = (
            '{"model":%s,"stream":true,"stream_options":{"include_usage":true},"ignore_eos":true,"temperature":0,'
            '"max_tokens":' % json.dumps(model)
        )
        if api == "completions":
            self._middle, self._end = ',"prompt":', "}"
        else:
            self._middle, self._end = ',"messages":[{"role":"user","content":', "}]}"

    def request(self, serial):
        """Bytes of a whole request."""
        prompt = self._prompt(serial)
        text = "%s%d%s%s%s" % (self._begin, self.output_lengths[serial], self._middle, prompt, self._end)
        body = text.encode("ascii")
        return b"%b%d\r\n\r\n%b" % (self._head, len(body), body)

    def _leading(self, serial, count):
        """Numbers of which no two requests have the same, as digits of base ``count``, most varied first."""
        return (
            serial % count,
            self._nonce % count,
            serial // count % count,
            self._nonce // count % count,
        )

    def _ids(self, serial):
        length = self.input_lengths[serial]
        leading = self._leading(serial, _LAST_ID - _FIRST_ID + 1)[:length]
        start = self._offsets[serial] * _ID_WIDTH
        rest = self._pool[start : start + (length - len(leading)) * _ID_WIDTH]
        ids = "".join("%d," % (_FIRST_ID + digit) for digit in leading) + rest
        return "[" + ids[:-1] + "]"

    def _text(self, serial):
        length = self.input_lengths[serial]
        leading = [_WORDS[digit] for digit in self._leading(serial, len(_WORDS))][:length]
        start = self._offsets[serial]
        return '"' + " ".join(leading + self._pool[start : start + length - len(leading)]) + '"'
