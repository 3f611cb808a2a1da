"""What is sent: lengths drawn from the profile, prompts that no cache has seen, bytes ready for the socket."""

import json
import os
from typing import Any, Dict, List, Optional, Sequence, Union

from .lengths import Lengths
from .profile import BadProfile
from .prompts import Sizing, TokenIds, Words, offset_of
from .targets import Target

_SHARED_PREFIX_OFFSET = 31


class RequestFactory:
    """Requests of one phase by serial number, from 0 on.

    Lengths follow from the seed alone, so that two configurations get the same load. Prompts begin with the serial number
    and a number drawn for each phase (`nonce`; given, it is fixed): a prefix cache that has seen an earlier trial, an
    earlier cell or the warm-up holds nothing of them. With `sharedPrefix` the first tokens of a prompt are those of its
    group, and groups take turns; its last token at least is its own.
    """

    def __init__(
        self,
        profile: Dict[str, Any],
        targets: Sequence[Target],
        model: str,
        warmup: bool = False,
        sizing: Sizing = Sizing(),
        nonce: Optional[int] = None,
    ) -> None:
        seed = profile["seed"]
        self.input_lengths, self.output_lengths = _lengths(profile, warmup)
        api, by_id = profile["api"], profile["prompt"] == "token-ids"
        self._nonce = int.from_bytes(os.urandom(4), "big") if nonce is None else nonce
        self._prompts: Union[TokenIds, Words] = TokenIds(seed) if by_id else Words(seed, sizing)
        self._chat = api == "chat"
        self._seed = seed
        self._turns = 1 if warmup else (profile.get("turns") or {}).get("count", 1)
        prefix = profile.get("sharedPrefix")
        self._groups = prefix["groups"] if prefix else 0
        self._prefix_tokens = prefix["tokens"] if prefix else 0
        self._prefixes: List[str] = [self._prefix(group, self._prefix_tokens) for group in range(self._groups)]
        self._heads = [_head(api, target) for target in targets]
        streamed = profile.get("stream") is not False
        # vLLM then says which ids it generated: what the next turn repeats, and all that an engine without a tokenizer says.
        return_ids = by_id and (self._turns > 1 or _has_sessions(profile) or profile.get("returnTokenIds") is True)
        self._begin = (
            f'{{"model":{json.dumps(model)},'
            + ('"stream":true,"stream_options":{"include_usage":true},' if streamed else '"stream":false,')
            + ('"return_token_ids":true,' if return_ids else "")
            # What a server does not know it ignores, as a rule; one that refuses it is asked without.
            + ('' if profile.get("ignoreEos") is False else '"ignore_eos":true,')
            + '"temperature":0,"max_tokens":'
        )
        self._middle = ',"messages":[' if self._chat else ',"prompt":'
        self._end = "]}" if self._chat else "}"

    def request(self, serial: int, target: int = 0, before: str = "") -> bytes:
        """A whole request, made as it is sent. `before`: the conversation so far."""
        return self.request_of(self.conversation(serial, before), serial, target)

    def conversation(self, serial: int, before: str = "") -> str:
        """What the request asks with, as a fragment: the conversation so far and what is new in this turn."""
        first = not before
        leading, tokens, prefix = self._leading(serial), self.input_lengths[serial], ""
        if first and self._groups and tokens > 1:
            group, shared = serial // self._turns % self._groups, min(self._prefix_tokens, tokens - 1)
            prefix = self._prefixes[group] if shared == self._prefix_tokens else self._prefix(group, shared)
            tokens -= shared
        # The overhead of a prompt is within its first piece.
        new = self._prompts.piece(leading, offset_of(serial, self._seed), tokens, first and not prefix)
        if self._chat:
            system = f'{{"role":"system","content":"{prefix}"}},' if prefix else ""
            comma = "," if before else ""
            return f'{before}{comma}{system}{{"role":"user","content":"{new}"}}'
        joined = self._prompts.joined
        return joined(prefix or before, new) if prefix or before else new

    def request_of(self, conversation: str, serial: int, target: int) -> bytes:
        prompt = conversation if self._chat else self._prompts.value(conversation)
        # What was answered before may hold any letter; the rest is ASCII.
        body = f"{self._begin}{self.output_lengths[serial]}{self._middle}{prompt}{self._end}".encode("utf-8", "replace")
        return b"%b%d\r\n\r\n%b" % (self._heads[target], len(body), body)

    def with_answer(self, conversation: str, answer: str, serial: int) -> str:
        """The conversation with what the server said. `answer`: the inside of a JSON string or list; where it could not
        be had, as much of the pool stands in for it: the length is right, the words are not the model's."""
        if not answer:
            answer = self._prompts.piece((), offset_of(~serial, self._seed), self.output_lengths[serial], False)
        elif isinstance(self._prompts, TokenIds):
            answer += ","
        if self._chat:
            return f'{conversation},{{"role":"assistant","content":"{answer}"}}'
        # The model's text brings its own space.
        return conversation + answer

    @property
    def answers_are_ids(self) -> bool:
        return isinstance(self._prompts, TokenIds)

    def _prefix(self, group: int, tokens: int) -> str:
        base, nonce = self._prompts.base, self._nonce
        leading = (group % base, nonce % base, _SHARED_PREFIX_OFFSET % base, nonce // base % base)
        return self._prompts.piece(leading, offset_of(group + _SHARED_PREFIX_OFFSET, self._seed), tokens, True)

    def _leading(self, serial: int) -> Sequence[int]:
        """Digits that no other request of this phase, and hardly one of another, begins with."""
        base, nonce = self._prompts.base, self._nonce
        return (serial % base, nonce % base, serial // base % base, nonce // base % base)


def _lengths(profile: Dict[str, Any], warmup: bool) -> Any:
    if profile["profile"] == "trace":
        entries = profile["entries"]
        drawn = [[entry[name] for entry in entries] for name in ("inputTokens", "outputTokens")]
        if not warmup:
            return drawn
        sources = [{"kind": "empirical", "values": values} for values in drawn]
    else:
        sources = [profile["input"], profile["output"]]
    count = profile["warmupRequests" if warmup else "requests"]
    prefix = "warm-up " if warmup else ""
    return [Lengths(source, count, prefix + name, profile["seed"]) for source, name in zip(sources, ("input", "output"))]


def _has_sessions(profile: Dict[str, Any]) -> bool:
    return profile["profile"] == "trace" and any(entry.get("session") is not None for entry in profile["entries"])


def _head(api: str, target: Target) -> bytes:
    key = target.api_key
    if key and not (key.isprintable() and key.isascii()):
        raise BadProfile("the API key has characters that no HTTP header can carry")
    path = f"{target.path}/v1/completions" if api == "completions" else f"{target.path}/v1/chat/completions"
    lines = [f"POST {path} HTTP/1.1", f"Host: {target.authority}", "Accept: text/event-stream"]
    if key:
        lines.append(f"Authorization: Bearer {key}")
    lines += ["Content-Type: application/json", "Content-Length: "]
    return "\r\n".join(lines).encode("utf-8")
