"""One row of the load generator's bench: drives the mock server and compares stamps and failures with the mock's own.

`loadGenerator.py PORT STREAMS REQUESTS`; prints one JSON document. The truth of each answer stands in its last token
event: when the mock had the request, and when it sent the first and the last token (CLOCK_MONOTONIC, which is Python's
`time.monotonic` on Linux). How many answers it spoilt, the mock says itself.
"""

import json
import re
import sys
import urllib.request

from loadline_agent.loadgen.histogram import median_ms
from loadline_agent.loadgen.part import FIRST_DOUBT_P50_MS, FIRST_DOUBT_P99_MS, part_of
from loadline_agent.loadgen.report import measurement_of
from loadline_agent.loadgen.drive import drive
from loadline_agent.loadgen.runner import prepare
from loadline_agent.loadgen.targets import Target

STAMPS = re.compile(rb'"received":(\d+),"first":(\d+),"sent":(\d+)')

#: What the mock did, and as which failure it is to be counted; None: it is to be none.
KINDS = {
    "errorInStream": "error-in-stream",
    "noDone": "incomplete-stream",
    "closed": "incomplete-stream",
    "split": None,
    "emptyEvents": None,
}


def percentile(values, fraction):
    ordered = sorted(values)
    return ordered[int(fraction * (len(ordered) - 1))]


def spoilt(port):
    """By kind of failure; spoilt answers; streams that the mock dropped because they were not read in time."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/faults") as answer:
        said = json.loads(answer.read().decode())
    expected = {}
    for name, kind in KINDS.items():
        if kind is not None and said[name]:
            expected[kind] = expected.get(kind, 0) + said[name]
    dropped = said.pop("slowReaders")
    return expected, sum(said.values()), dropped


def measure(port, streams, requests):
    profile = {
        "profile": "closed-loop",
        "concurrency": streams,
        "requests": requests,
        "warmupRequests": 0,
        "input": {"kind": "fixed", "tokens": 200},
        "output": {"kind": "fixed", "tokens": 100},
        "api": "completions",
        "prompt": "token-ids",
        "seed": 1,
    }
    job = prepare([Target("127.0.0.1", port)], "mock", profile, lambda: False, float("inf"))
    outcomes = drive(job, lambda *_: None)
    part = part_of(outcomes, True, None)
    measurement = measurement_of([part], profile)
    failed = {}
    for kind in measurement["requests"]["failure"]:
        if kind is not None:
            failed[kind] = failed.get(kind, 0) + 1
    expected, faults, dropped = spoilt(port)
    first_late, last_late, reported, truth = [], [], [], []
    for index, answer in enumerate(outcomes.answers):
        stamps = STAMPS.search(answer.last_token_event)
        if stamps is None:
            continue
        received, first, sent = (int(text) / 1e9 for text in stamps.groups())
        first_late.append(abs(outcomes.first[index] - first) * 1000.0)
        last_late.append(abs(outcomes.last[index] - sent) * 1000.0)
        reported.append((outcomes.first[index] - outcomes.sent[index]) * 1000.0)
        truth.append((first - received) * 1000.0)
    client = measurement["client"]
    off = {
        "firstP50": percentile(first_late, 0.5),
        "firstP99": percentile(first_late, 0.99),
        "lastP50": percentile(last_late, 0.5),
        "lastP99": percentile(last_late, 0.99),
    }
    return {
        "streams": streams,
        "faults": faults,
        "failed": failed,
        "failuresAsTheyWere": failed == expected
        if dropped == 0
        else abs(sum(failed.values()) - sum(expected.values())) <= dropped,
        "dropped": dropped,
        "mostInFlight": max(sample[2] for sample in outcomes.samples),
        "events": client["events"],
        "eventsPerSecond": client["events"] / client["wallSeconds"],
        "eventsPerCpuSecond": client["events"] / client["cpuSeconds"],
        "cpuPercent": 100.0 * client["cpuSeconds"] / client["wallSeconds"],
        "ttftP50Ms": percentile(reported, 0.5),
        "trueTtftP50Ms": percentile(truth, 0.5),
        "stampErrorMs": off,
        "offBeyondGoal": off["firstP50"] > FIRST_DOUBT_P50_MS or off["firstP99"] > FIRST_DOUBT_P99_MS,
        "gapP50Ms": median_ms(part["gaps"]),
        "loopLagP99Ms": client["loopLagP99Ms"],
        "bound": client["bound"],
        "because": client["boundBecause"],
    }


if __name__ == "__main__":
    print(json.dumps(measure(*map(int, sys.argv[1:4]))))
