"""When the requests of an open loop are due: offsets from the begin of the load, in seconds, ascending."""

import math
import random
from array import array
from typing import Any, Callable, Dict, Iterator, Optional


def arrival_offsets(profile: Dict[str, Any], count: int, requests_a_session: int = 1) -> array:
    """At most `count` offsets of an OpenLoopProfile, none after its `seconds`.

    Arrivals of a process of mean rate 1 are stretched to the rate of each moment, ramps included: Poisson stays Poisson.
    With several requests a session, sessions come so much more rarely that requests keep the rate.
    `poisson` (exponential gaps), `gamma` (gaps of shape `burstiness`; 1 is Poisson, less is burstier), `constant`, and
    `burst`: `burstiness` requests at once (one second's worth where it is left out), as often as the rate asks for.
    """
    rate = profile["requestsPerSecond"] / requests_a_session
    moment = _moments(rate, profile.get("ramp"), requests_a_session)
    limit = profile.get("seconds")
    offsets = array("d")
    for arrived in _unit_rate_arrivals(profile, rate):
        if len(offsets) >= count:
            break
        offset = moment(arrived)
        if limit is not None and offset >= limit:
            break
        offsets.append(offset)
    return offsets


def _unit_rate_arrivals(profile: Dict[str, Any], rate: float) -> Iterator[float]:
    """Cumulated: the n-th is n on average."""
    kind, burstiness = profile["arrivals"], profile.get("burstiness")
    generator = random.Random(f"{profile['seed']}/arrivals")
    if kind == "burst":
        size = max(1, int(round(burstiness if burstiness is not None else rate)))
        at = 0
        while True:
            for _ in range(size):
                yield float(at)
            at += size
    if kind == "constant":
        at = 0
        while True:
            yield float(at)
            at += 1
    shape = burstiness if kind == "gamma" and burstiness is not None else 1.0
    now = 0.0
    while True:
        now += generator.expovariate(1.0) if shape == 1.0 else generator.gammavariate(shape, 1.0 / shape)
        yield now


def _moments(rate: float, ramp: Optional[Dict[str, Any]], requests_a_session: int) -> Callable[[float], float]:
    """The inverse of the cumulated rate: when the n-th arrival of a unit-rate process is due."""
    if ramp is None:
        return lambda arrived: arrived / rate
    begin, seconds = ramp["fromRequestsPerSecond"] / requests_a_session, ramp["seconds"]
    if ramp["shape"] == "linear":
        within = (begin + rate) / 2.0 * seconds
        slope = (rate - begin) / seconds

        def inverse(arrived: float) -> float:
            # begin t + slope t^2 / 2 = arrived, in the form that stays exact for a small slope.
            return 2.0 * arrived / (begin + math.sqrt(max(0.0, begin * begin + 2.0 * slope * arrived))) if arrived else 0.0

    else:
        growth = math.log(rate / begin) / seconds
        within = (rate - begin) / growth if growth else rate * seconds

        def inverse(arrived: float) -> float:
            return math.log1p(arrived * growth / begin) / growth if growth else arrived / rate

    return lambda arrived: inverse(arrived) if arrived < within else seconds + (arrived - within) / rate
