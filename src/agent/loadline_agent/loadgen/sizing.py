"""How many words make a prompt of so many tokens: asked of the server, before the load."""

import http.client
import json
from typing import Any, Dict, List, Optional, Tuple

from .prompts import WORDS, Sizing
from .targets import Target

_SECONDS = 30.0
# Fewer different words would make prompts too alike.
_LEAST_WORDS = 24
_REPEATS = 4
_SHORT, _LONG = 16, 116
_IDS = list(range(1000, 1032))
# A server that adds a token of its own at the begin still takes ids.
_MOST_ADDED = 4
_NOT_TAKEN = (400, 415, 422)


def as_the_server_takes_it(target: Target, model: str, profile: Dict[str, Any]) -> Dict[str, Any]:
    """The profile, with text in place of token ids where the server refuses those, or counts them as something else; and
    with `ignoreEos` false where it refuses to generate beyond an end: answers may then be shorter than asked for."""
    server = _Server(target, model)
    try:
        if profile.get("prompt") == "token-ids" and not _takes_ids(server):
            profile = {**profile, "prompt": "text"}
        return profile if _takes_ignore_eos(server, profile) else {**profile, "ignoreEos": False}
    finally:
        server.close()


def _takes_ids(server: "_Server") -> bool:
    status, answer = server.post("/v1/completions", {"prompt": _IDS, "max_tokens": 1, "temperature": 0})
    counted = _prompt_tokens(answer)
    other = status == 200 and counted is not None and not len(_IDS) <= counted <= len(_IDS) + _MOST_ADDED
    return not other and status not in _NOT_TAKEN


def _takes_ignore_eos(server: "_Server", profile: Dict[str, Any]) -> bool:
    chat, text = profile.get("api") == "chat", " ".join(WORDS[:_SHORT])
    asked = {"messages": _messages(text)} if chat else {"prompt": _IDS if profile.get("prompt") == "token-ids" else text}
    route = "/v1/chat/completions" if chat else "/v1/completions"
    status, answer = server.post(route, {**asked, "max_tokens": 1, "temperature": 0, "ignore_eos": True})
    return status not in _NOT_TAKEN or "ignore_eos" not in json.dumps(answer)


def size_prompts(target: Target, model: str, chat: bool) -> Sizing:
    """By the server's /tokenize (vLLM, SGLang, llama.cpp, TGI), else by what `usage` says of two short requests, else a
    word for a token. What prompts really came to is in the measurement."""
    server = _Server(target, model)
    try:
        return _by_tokenizer(server, chat) or _by_usage(server, chat) or Sizing()
    finally:
        server.close()


def _by_tokenizer(server: "_Server", chat: bool) -> Optional[Sizing]:
    once = server.tokens_of_text(" ".join(WORDS))
    twice = server.tokens_of_text(" ".join(WORDS + WORDS)) if once else None
    if once is None or twice is None or twice <= once:
        return None
    words = WORDS
    tokens = twice - once
    if tokens != len(WORDS):
        base = " ".join(WORDS)
        single = tuple(
            word
            for word in WORDS
            if server.tokens_of_text(" ".join([base] + [word] * _REPEATS)) == once + _REPEATS
        )
        if len(single) >= _LEAST_WORDS:
            words, tokens = single, len(single)
    probe = words[:_LEAST_WORDS]
    ratio = len(words) / tokens
    if chat:
        counted = server.tokens_of_chat(" ".join(probe))
        if counted is None:
            counted = server.tokens_used(" ".join(probe), chat=True)
    else:
        counted = server.tokens_of_text(" ".join(probe))
    overhead = 0.0 if counted is None else max(0.0, counted - len(probe) / ratio)
    return Sizing("tokenize", words, ratio, overhead)


def _by_usage(server: "_Server", chat: bool) -> Optional[Sizing]:
    short, long = (
        server.tokens_used(" ".join((WORDS * 2)[:count]), chat) for count in (_SHORT, _LONG)
    )
    if short is None or long is None or long <= short:
        return None
    tokens_per_word = (long - short) / (_LONG - _SHORT)
    return Sizing("usage", WORDS, 1.0 / tokens_per_word, max(0.0, short - _SHORT * tokens_per_word))


class _Server:
    """Answers are numbers of tokens; None where the server does not say."""

    def __init__(self, target: Target, model: str) -> None:
        self._target = target
        self._model = model
        if target.tls:
            self._connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                target.host, target.port, timeout=_SECONDS, context=target.tls
            )
        else:
            self._connection = http.client.HTTPConnection(target.host, target.port, timeout=_SECONDS)

    def close(self) -> None:
        self._connection.close()

    def tokens_of_text(self, text: str) -> Optional[int]:
        # `prompt` is vLLM's and SGLang's, `content` llama.cpp's, `inputs` TGI's; each leaves the others alone.
        return _count(
            self._post(
                "/tokenize",
                {"prompt": text, "content": text, "inputs": text, "add_special_tokens": True, "add_special": True},
            )
        )

    def tokens_of_chat(self, text: str) -> Optional[int]:
        return _count(self._post("/tokenize", {"messages": _messages(text), "add_generation_prompt": True}))

    def tokens_used(self, text: str, chat: bool) -> Optional[int]:
        asked = {"messages": _messages(text)} if chat else {"prompt": text}
        route = "/v1/chat/completions" if chat else "/v1/completions"
        return _prompt_tokens(self._post(route, {**asked, "max_tokens": 1, "temperature": 0}))

    def _post(self, route: str, body: dict) -> Any:
        status, answer = self.post(route, body)
        return answer if status == 200 else None

    def post(self, route: str, body: dict) -> Tuple[Optional[int], Any]:
        """Status and JSON document, or the text that is none; None each where nothing answers."""
        headers = {"Content-Type": "application/json"}
        if self._target.api_key:
            headers["Authorization"] = f"Bearer {self._target.api_key}"
        try:
            self._connection.request(
                "POST", self._target.path + route, json.dumps({"model": self._model, **body}), headers
            )
            answer = self._connection.getresponse()
            data = answer.read()
        except (OSError, http.client.HTTPException, ValueError):
            self._connection.close()
            return None, None
        text = data.decode("utf-8", "replace")
        try:
            return answer.status, json.loads(text)
        except (ValueError, RecursionError):
            return answer.status, text


def _messages(text: str) -> List[dict]:
    return [{"role": "user", "content": text}]


def _prompt_tokens(answer: Any) -> Optional[int]:
    usage = answer.get("usage") if isinstance(answer, dict) else None
    tokens = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    return tokens if isinstance(tokens, int) and not isinstance(tokens, bool) and tokens > 0 else None


def _count(answer: Any) -> Optional[int]:
    if isinstance(answer, list):
        return len(answer) or None
    if not isinstance(answer, dict):
        return None
    count, tokens = answer.get("count"), answer.get("tokens")
    if isinstance(count, int) and not isinstance(count, bool) and count > 0:
        return count
    return len(tokens) if isinstance(tokens, list) and tokens else None
