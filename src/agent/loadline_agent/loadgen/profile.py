"""A LoadProfile (core/sweep/run.ts), checked field by field before anything is sent."""

from typing import Any, Dict, Optional

PROFILES = ("closed-loop", "open-loop", "trace", "offline")
ARRIVALS = ("poisson", "constant", "gamma", "burst")

#: Longer than any model's context: a length above it is a slip, and would take memory instead of measuring anything.
MOST_TOKENS = 1 << 24

#: Ten years: a time above it is a slip.
_MOST_SECONDS = 3.2e8


class BadProfile(Exception):
    """The load profile cannot be driven; the message says which field."""


def check_profile(profile: Any) -> None:
    """Raises BadProfile."""
    if not isinstance(profile, dict):
        raise BadProfile(f"the load must be an object, not {profile!r}")
    kind = profile.get("profile")
    if kind not in PROFILES:
        raise BadProfile(f"profile must be {_either(PROFILES)}, not {kind!r}")
    whole(profile, "requests", 1)
    whole(profile, "warmupRequests", 0)
    _seconds(profile, "seconds", required=False, exclusive=True)
    if not _is_whole(profile.get("seed")):
        raise BadProfile(f"seed must be a whole number, not {profile.get('seed')!r}")
    if kind != "trace":
        for name in ("input", "output"):
            check_lengths(profile.get(name), name)
    _check_request_shape(profile)
    if kind == "closed-loop":
        whole(profile, "concurrency", 1)
        _seconds(profile, "rampSeconds", required=False)
    elif kind == "open-loop":
        _check_open_loop(profile)
    elif kind == "trace":
        _check_trace(profile)


def check_lengths(distribution: Any, name: str) -> None:
    if not isinstance(distribution, dict):
        raise BadProfile(f"{name} must be a length distribution, not {distribution!r}")
    kind = distribution.get("kind")
    if kind == "fixed":
        _tokens(distribution, name, "tokens")
    elif kind in ("normal", "lognormal"):
        number(distribution, f"{name}.mean", "mean", 1, MOST_TOKENS)
        number(distribution, f"{name}.deviation", "deviation", 0, MOST_TOKENS)
    elif kind == "uniform":
        least, most = _tokens(distribution, name, "least"), _tokens(distribution, name, "most")
        if most < least:
            raise BadProfile(f"{name}.most must be at least {name}.least ({least}), not {most}")
    elif kind == "empirical":
        values = distribution.get("values")
        if not isinstance(values, list) or not values:
            raise BadProfile(f"{name}.values must be a list of lengths")
        for at, value in enumerate(values):
            if not _is_whole(value) or not 1 <= value <= MOST_TOKENS:
                raise BadProfile(f"{name}.values[{at}] must be a whole number from 1 to {MOST_TOKENS}, not {value!r}")
    else:
        raise BadProfile(f"{name}.kind must be fixed, normal, uniform, lognormal or empirical, not {kind!r}")


def _check_request_shape(profile: Dict[str, Any]) -> None:
    api, prompt = profile.get("api"), profile.get("prompt")
    if api not in ("completions", "chat"):
        raise BadProfile(f"api must be completions or chat, not {api!r}")
    if prompt not in ("token-ids", "text"):
        raise BadProfile(f"prompt must be token-ids or text, not {prompt!r}")
    if api == "chat" and prompt == "token-ids":
        raise BadProfile("prompt: the chat route takes no token ids; give text, or api: completions")
    stream = profile.get("stream")
    if stream is not None and not isinstance(stream, bool):
        raise BadProfile(f"stream must be true or false, not {stream!r}")
    prefix = profile.get("sharedPrefix")
    if prefix is not None:
        if not isinstance(prefix, dict):
            raise BadProfile(f"sharedPrefix must be an object, not {prefix!r}")
        _tokens(prefix, "sharedPrefix", "tokens")
        whole(prefix, "groups", 1, "sharedPrefix.groups")
    turns = profile.get("turns")
    if turns is not None:
        if not isinstance(turns, dict):
            raise BadProfile(f"turns must be an object, not {turns!r}")
        whole(turns, "count", 1, "turns.count")
        number(turns, "turns.thinkMs", "thinkMs", 0, _MOST_SECONDS, required=False)
        if profile["profile"] == "trace" and turns["count"] > 1:
            raise BadProfile("turns: a trace names the turns of a session itself (entries with the same session)")
    if profile.get("processes") is not None:
        whole(profile, "processes", 1)


def _check_open_loop(profile: Dict[str, Any]) -> None:
    number(profile, "requestsPerSecond", "requestsPerSecond", 0, 1e9, exclusive=True)
    arrivals = profile.get("arrivals")
    if arrivals not in ARRIVALS:
        raise BadProfile(f"arrivals must be {_either(ARRIVALS)}, not {arrivals!r}")
    least = 1 if arrivals == "burst" else 0
    number(profile, "burstiness", "burstiness", least, 1e9, required=False, exclusive=least == 0)
    if profile.get("maxConcurrency") is not None:
        whole(profile, "maxConcurrency", 1)
    ramp = profile.get("ramp")
    if ramp is None:
        return
    if not isinstance(ramp, dict):
        raise BadProfile(f"ramp must be an object, not {ramp!r}")
    exponential = ramp.get("shape") == "exponential"
    if not exponential and ramp.get("shape") != "linear":
        raise BadProfile(f"ramp.shape must be linear or exponential, not {ramp.get('shape')!r}")
    number(ramp, "ramp.fromRequestsPerSecond", "fromRequestsPerSecond", 0, 1e9, exclusive=exponential)
    number(ramp, "ramp.seconds", "seconds", 0, _MOST_SECONDS, exclusive=True)


def _check_trace(profile: Dict[str, Any]) -> None:
    number(profile, "speed", "speed", 0, 1e9, required=False, exclusive=True)
    entries = profile.get("entries")
    if not isinstance(entries, list) or not entries:
        raise BadProfile("entries must be a list of requests")
    for at, entry in enumerate(entries):
        path = f"entries[{at}]"
        if not isinstance(entry, dict):
            raise BadProfile(f"{path} must be an object, not {entry!r}")
        number(entry, f"{path}.atMs", "atMs", 0, _MOST_SECONDS * 1000)
        _tokens(entry, path, "inputTokens")
        _tokens(entry, path, "outputTokens")
        if entry.get("session") is not None and not _is_whole(entry["session"]):
            raise BadProfile(f"{path}.session must be a whole number, not {entry['session']!r}")


def number(
    record: Dict[str, Any],
    path: str,
    field: str,
    least: float,
    most: float,
    required: bool = True,
    exclusive: bool = False,
) -> Optional[float]:
    value = record.get(field)
    if value is None and not required:
        return None
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and least <= value <= most
    if not good or (exclusive and value == least):
        raise BadProfile(f"{path} must be a number {'above' if exclusive else 'from'} {least} to {most:g}, not {value!r}")
    return value


def whole(record: Dict[str, Any], field: str, least: int, path: Optional[str] = None) -> int:
    value = record.get(field)
    if not _is_whole(value) or value < least:
        raise BadProfile(f"{path or field} must be a whole number of at least {least}, not {value!r}")
    return value


def _seconds(profile: Dict[str, Any], field: str, required: bool, exclusive: bool = False) -> None:
    number(profile, field, field, 0, _MOST_SECONDS, required=required, exclusive=exclusive)


def _tokens(record: Dict[str, Any], path: str, field: str) -> int:
    value = record.get(field)
    if not _is_whole(value) or not 1 <= value <= MOST_TOKENS:
        raise BadProfile(f"{path}.{field} must be a whole number from 1 to {MOST_TOKENS}, not {value!r}")
    return value


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _either(choices: Any) -> str:
    return ", ".join(choices[:-1]) + " or " + choices[-1]
