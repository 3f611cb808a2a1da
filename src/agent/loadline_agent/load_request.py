"""The loads of a request, as src/core/sweep/run.ts declares them."""

from typing import Callable, Dict

from .field import Field, check_above_zero
from .loadgen.profile import MOST_TOKENS


def check_load(load: Field) -> None:
    profile = load.child("profile").one_of("closed-loop", "open-loop", "trace", "offline")
    PROFILES[profile](load)
    load.child("requests").integer(1)
    load.child("warmupRequests").integer(0)
    check_lengths(load.child("input"))
    check_lengths(load.child("output"))
    load.child("api").one_of("completions", "chat")
    load.child("prompt").one_of("token-ids", "text")
    load.child("seed").integer(0)
    check_above_zero(load.optional("seconds"))
    prefix = load.optional("sharedPrefix")
    if prefix:
        check_tokens(prefix.child("tokens"))
        prefix.child("groups").integer(1)
    turns = load.optional("turns")
    if turns:
        turns.child("count").integer(1)
        think = turns.optional("thinkMs")
        if think:
            think.number(0)
    processes = load.optional("processes")
    if processes:
        processes.integer(1)
    stream = load.optional("stream")
    if stream:
        stream.boolean()


def check_closed_loop(load: Field) -> None:
    load.child("concurrency").integer(1)
    check_above_zero(load.optional("rampSeconds"))


def check_open_loop(load: Field) -> None:
    load.child("requestsPerSecond").number(0, exclusive=True)
    load.child("arrivals").one_of("poisson", "constant", "gamma", "burst")
    check_above_zero(load.optional("burstiness"))
    most = load.optional("maxConcurrency")
    if most:
        most.integer(1)
    ramp = load.optional("ramp")
    if ramp:
        ramp.child("fromRequestsPerSecond").number(0, exclusive=True)
        ramp.child("seconds").number(0, exclusive=True)
        ramp.child("shape").one_of("linear", "exponential")


def check_trace(load: Field) -> None:
    entries = load.child("entries")
    for entry in entries.items():
        entry.child("atMs").number(0)
        check_tokens(entry.child("inputTokens"))
        check_tokens(entry.child("outputTokens"))
        session = entry.optional("session")
        if session:
            session.integer(0)
    if not entries.value:
        raise entries.wrong("at least one request")
    check_above_zero(load.optional("speed"))


def check_offline(load: Field) -> None:
    """Nothing sets its level: all requests are sent at once."""


PROFILES: Dict[str, Callable[[Field], None]] = {
    "closed-loop": check_closed_loop,
    "open-loop": check_open_loop,
    "trace": check_trace,
    "offline": check_offline,
}


def check_tokens(field: Field) -> None:
    field.integer(1)
    check_most(field)


def check_most(field: Field) -> None:
    if field.value > MOST_TOKENS:
        raise field.wrong(f"at most {MOST_TOKENS} tokens")


def check_lengths(lengths: Field) -> None:
    kind = lengths.child("kind").one_of("fixed", "normal", "uniform", "lognormal", "empirical")
    if kind == "fixed":
        check_tokens(lengths.child("tokens"))
    elif kind == "uniform":
        check_tokens(lengths.child("least"))
        check_tokens(lengths.child("most"))
        lengths.child("most").integer(lengths.child("least").value)
    elif kind == "empirical":
        values = lengths.child("values")
        for value in values.items():
            check_tokens(value)
        if not values.value:
            raise values.wrong("at least one length")
    else:
        lengths.child("mean").number(1)
        lengths.child("deviation").number(0)
        for name in ("mean", "deviation"):
            check_most(lengths.child(name))
