"""Whether an engine serves, in three steps: its process lives, its health route says so, and one real request was answered."""

import time
from typing import Any, Callable, List, Optional, Tuple

from .http import Answer, request
from .instance import EngineFailed, Instance
from .launch import Launch
from .watch import Watch

#: Often enough not to add to a measured start-up, rarely enough not to disturb it.
POLL_SECONDS = 0.2
HEALTH_SECONDS = 5.0
MODELS_SECONDS = 10.0

#: A few: the first answer may compile, the second token shows that it decodes.
FIRST_TOKENS = 4
FIRST_IDS = [1, 2, 3, 4]
FIRST_WORDS = "Hello, how are you?"


class Readiness:
    """Of one instance. `fail(phase)` says why it did not start; `refused(message)` that it answers what it should not."""

    def __init__(
        self,
        watch: Watch,
        launch: Launch,
        instance: Instance,
        fail: Callable[[str], EngineFailed],
        refused: Callable[[str], EngineFailed],
    ) -> None:
        self._watch = watch
        self._launch = launch
        self._instance = instance
        self._fail = fail
        self._refused = refused
        #: By which requests name the model: the plan's name, or the one that the engine has for it.
        self.model = launch.model
        #: It generated tokens and no text: it has no tokenizer, and says what it generates by ids alone.
        self.without_text = False
        self._began = time.monotonic()

    def wait(self) -> None:
        end = self._began + self._launch.ready_seconds
        phase = "start"
        self._step("processSeconds")
        while True:
            if self._instance.ended() is not None:
                raise self._fail(phase)
            if time.monotonic() > end:
                raise self._fail(phase)
            health = self._ask(self._launch.health, HEALTH_SECONDS)
            if health is not None:
                phase = "ready"
                # What stands before an endpoint may know OpenAI's routes alone.
                may_lack = self._launch.kind.health_may_lack or self._launch.endpoint is not None
                lacks = may_lack and health.status == 404
                if health.status == 200 or lacks:
                    self._step("healthSeconds")
                    if self._serves(end):
                        self._step("firstAnswerSeconds")
                        self._instance.version = self._version()
                        return
            self._watch.wait(POLL_SECONDS)

    def _step(self, name: str) -> None:
        self._instance.steps.setdefault(name, round(time.monotonic() - self._began, 3))

    def _ask(self, path: str, seconds: float, body: Optional[dict] = None) -> Optional[Answer]:
        return request(self._watch, self._instance.address, path, body, seconds)

    def _serves(self, end: float) -> bool:
        names = self._names()
        if names is not None:
            self._settle_name(names)
        elif self._launch.kind.keeps_name:
            return False
        path, body = first_request(self._launch.api, self._launch.prompt, self.model)
        if self._launch.kind.says_token_ids:
            # Text that is empty then says that there is no tokenizer, and not that the model had nothing to say.
            body["ignore_eos"] = True
        # The first request may compile, or load the model: it has all the time that is left.
        first = self._ask(path, end - time.monotonic(), body)
        if first is None:
            return False
        if first.status in (401, 403):
            raise self._refused(self._wrong_key(first.status))
        if first.status != 200:
            raise self._refused(
                f"The engine answered its first request (POST {path}) with {first.status}: {first.text()[:400]}"
            )
        self.without_text = generates_without_text(first)
        return True

    def _names(self) -> Optional[List[str]]:
        """Models that it lists; None where it lists none."""
        answer = self._ask("/v1/models", MODELS_SECONDS)
        if answer is not None and answer.status in (401, 403):
            raise self._refused(self._wrong_key(answer.status))
        listed: Any = answer.json() if answer and answer.status == 200 else None
        data = listed.get("data") if isinstance(listed, dict) else None
        names = [model.get("id") for model in data if isinstance(model, dict)] if isinstance(data, list) else []
        return [name for name in names if isinstance(name, str)] or None

    def _wrong_key(self, status: int) -> str:
        said = f"The engine asks for another API key than it was given ({status})."
        endpoint, variable = self._launch.endpoint, self._launch.kind.key_variable
        if endpoint is not None:
            file = endpoint.get("apiKeyFile")
            given = f"that of {file}." if file else "none: name its file on the host as engine.launch.apiKeyFile."
            return f"{said} It was given {given}"
        return f"{said} It was given one in {variable}." if variable else f"{said} It was given none."

    def _settle_name(self, names: List[str]) -> None:
        if self.model in names:
            return
        if self._launch.kind.keeps_name:
            raise self._refused(
                f"The engine serves {', '.join(names)}, not {self.model}: the plan's model and --served-model-name differ."
            )
        # One that lists whatever its cache holds loads the model by the name that a request gives.
        if len(names) == 1:
            self.model = names[0]

    def _version(self) -> Optional[str]:
        for path, field in self._launch.kind.versions:
            answer = self._ask(path, HEALTH_SECONDS)
            said = answer.json() if answer and answer.status == 200 else None
            version = said.get(field) if isinstance(said, dict) else None
            if isinstance(version, str) and version:
                return version
        return None


def generates_without_text(answer: Answer) -> bool:
    said = answer.json()
    usage = said.get("usage") if isinstance(said, dict) else None
    choices = said.get("choices") if isinstance(said, dict) else None
    tokens = usage.get("completion_tokens") if isinstance(usage, dict) else None
    texts = [choice.get("text") for choice in choices if isinstance(choice, dict)] if isinstance(choices, list) else []
    return isinstance(tokens, int) and tokens > 0 and texts != [] and all(text == "" for text in texts)


def first_request(api: str, prompt: str, model: str) -> Tuple[str, dict]:
    """As the load will ask: an engine without a tokenizer takes token ids alone."""
    if api == "chat":
        messages = [{"role": "user", "content": FIRST_WORDS}]
        return "/v1/chat/completions", {"model": model, "messages": messages, "max_tokens": FIRST_TOKENS}
    words = FIRST_IDS if prompt == "token-ids" else FIRST_WORDS
    return "/v1/completions", {"model": model, "prompt": words, "max_tokens": FIRST_TOKENS}
