"""A generation request: what of it is valid, how long its answer is, and the bytes of that answer."""

import random
import time
from typing import Any, Optional

from . import answers
from .parameters import Parameters
from .scheduler import Sequence

_DEFAULT_COMPLETION_TOKENS = 16
# Where the request does not say `ignore_eos`, an answer ends by itself after about this many tokens.
_MEAN_NATURAL_TOKENS = 256


class Refused(Exception):
    """`error`: arguments of answers.error. `in_stream`: it arrives inside a stream of status 200."""

    def __init__(self, error: tuple, in_stream: bool = False) -> None:
        Exception.__init__(self, error[1])
        self.error = error
        self.in_stream = in_stream


class Generation:
    __slots__ = ("sequence", "streamed", "finish_reason", "token_bytes", "owner", "close_after", "_answer", "_include_usage")

    def __init__(
        self,
        answer: answers.Completion,
        prompt_tokens: int,
        output_tokens: int,
        finish_reason: str,
        streamed: bool,
        include_usage: bool,
    ) -> None:
        self.sequence = Sequence(self, prompt_tokens, output_tokens)
        self.streamed = streamed
        self.finish_reason = finish_reason
        self.token_bytes = answer.token_event() if streamed else b""
        self.owner = None  # type: Any
        self.close_after = False
        self._answer = answer
        self._include_usage = include_usage

    def first_bytes(self) -> bytes:
        """Head of the answer and the first token."""
        return answers.STREAM_HEAD + self._answer.first_events() + self.token_bytes

    def last_bytes(self) -> bytes:
        """The last token and the end of the answer, or the whole answer where it is not streamed."""
        tokens = self.sequence.generated
        usage = answers.usage(self.sequence.prompt_tokens, tokens)
        if not self.streamed:
            return self._answer.whole(tokens, self.finish_reason, usage)
        begin = answers.STREAM_HEAD + self._answer.first_events() if tokens == 1 else b""
        end = self._answer.usage_event(usage) if self._include_usage else b""
        end += answers.event(b"[DONE]") + answers.STREAM_END
        return begin + self._answer.token_event(self.finish_reason) + end


def generation_of(request: Any, path: str, parameters: Parameters, number: int) -> Generation:
    """Raises Refused, with vLLM's words where its answer is known."""
    if not isinstance(request, dict):
        raise Refused((400, "The body of the request must be a JSON object.", "Bad Request"))
    model = request.get("model")
    if model not in (None, parameters.model_name):
        raise Refused((404, "The model `%s` does not exist." % model, "NotFoundError", "model"))
    if request.get("n", 1) != 1:
        raise Refused((400, "The simulated engine gives one answer a request (n=1).", "BadRequestError", "n"))
    streamed = request.get("stream") is True
    chat = path == "/v1/chat/completions"
    prompt_tokens = _chat_tokens(request) if chat else _prompt_tokens(request.get("prompt"))
    if prompt_tokens == 0:
        raise Refused((400, "The decoder prompt cannot be empty", "BadRequestError"), in_stream=streamed)
    limit = _count(request, "max_completion_tokens", 1)
    if limit is None:
        limit = _count(request, "max_tokens", 1)
    least = _count(request, "min_tokens", 0) or 0
    room = parameters.max_model_len - prompt_tokens
    if room < (limit or 1):
        raise Refused(_too_long(parameters.max_model_len, limit or 0, prompt_tokens))
    if limit is None:
        limit = room if chat else min(room, _DEFAULT_COMPLETION_TOKENS)
    if least > limit:
        message = "min_tokens must be less than or equal to max_tokens=%d, got %d." % (limit, least)
        raise Refused((400, message, "BadRequestError", "min_tokens"))
    output_tokens, reason = limit, "length"
    if request.get("ignore_eos") is not True:
        natural = max(least, 1, _natural_length(parameters.seed, number))
        if natural < limit:
            output_tokens, reason = natural, "stop"
    options = request.get("stream_options")
    include_usage = isinstance(options, dict) and options.get("include_usage") is True
    kind = answers.ChatCompletion if chat else answers.Completion
    answer = kind(number, int(time.time()), parameters.model_name)
    answer.token_ids = request.get("return_token_ids") is True
    return Generation(answer, prompt_tokens, output_tokens, reason, streamed, include_usage)


def _natural_length(seed: int, number: int) -> int:
    return 1 + int(random.Random("%d/%d" % (seed, number)).expovariate(1.0 / _MEAN_NATURAL_TOKENS))


def _too_long(max_model_len: int, output_tokens: int, prompt_tokens: int) -> tuple:
    message = (
        "This model's maximum context length is %d tokens. However, you requested %d output tokens and your prompt "
        "contains %d input tokens, for a total of %d tokens. Please reduce the length of the input prompt or the "
        "number of requested output tokens. (parameter=input_tokens, value=%d)"
        % (max_model_len, output_tokens, prompt_tokens, output_tokens + prompt_tokens, prompt_tokens)
    )
    return 400, message, "BadRequestError", "input_tokens"


def _prompt_tokens(prompt: Any) -> int:
    """Token ids are counted; of a text each word is taken for a token."""
    if isinstance(prompt, list) and len(prompt) == 1 and isinstance(prompt[0], (str, list)):
        prompt = prompt[0]
    if isinstance(prompt, str):
        return len(prompt.split())
    if isinstance(prompt, list) and all(isinstance(token, int) for token in prompt):
        return len(prompt)
    raise Refused((400, "prompt must be one text or one list of token ids.", "BadRequestError", "prompt"))


def tokenized(request: Any) -> int:
    """Tokens of a /tokenize request: of its messages, else its text."""
    if not isinstance(request, dict):
        raise Refused((400, "The body of the request must be a JSON object.", "Bad Request"))
    return _chat_tokens(request) if "messages" in request else _prompt_tokens(request.get("prompt"))


def _chat_tokens(request: Any) -> int:
    messages = request.get("messages")
    if not isinstance(messages, list):
        raise Refused((400, "messages must be a list.", "BadRequestError", "messages"))
    tokens = 0
    for message in messages:
        content = message.get("content") if isinstance(message, dict) else None
        if isinstance(content, list):
            content = " ".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
        if not isinstance(content, str):
            raise Refused((400, "content of a message must be a text.", "BadRequestError", "messages"))
        tokens += len(content.split())
    return tokens


def _count(request: Any, name: str, least: int) -> Optional[int]:
    value = request.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        message = (
            "1 validation error:\n  {'type': 'int_type', 'loc': ('body', '%s'), "
            "'msg': 'Input should be a valid integer', 'input': %r}" % (name, value)
        )
        raise Refused((400, message, "Bad Request", "body.%s" % name))
    if value < least:
        raise Refused((400, "%s must be at least %d, got %d." % (name, least, value), "BadRequestError", name))
    return value
