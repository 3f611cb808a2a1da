"""What searches cost and how often they are right: the agent's own decisions over the simulated engine in virtual time.

Each engine step has 3 % noise, each run (or start) another 3 % as a whole. The grid that a search replaces is every candidate once.
"""

import json
import random
import sys

from loadline_agent.runs.figures import judge_trial, trial_figures
from loadline_agent.runs.search import Finished, Search, Settled
from loadline_agent.simulated_engine.parameters import Parameters
from loadline_agent.simulated_engine.scheduler import Scheduler, Sequence

NOISE = 0.03
LIMITS = {"ttftP95Ms": 250, "tpotP95Ms": 20}
GAIN = 0.05


# The simulated engine, without a clock


def parameters(noise, seed, scale=1.0, **changes):
    step = {"baseMs": 6 * scale, "perSequenceMs": 0.12 * scale, "perKvTokenMs": 0.0002 * scale, "perPrefillTokenMs": 0.02 * scale}
    document = {
        "modelName": "simulated-model",
        "engineVersion": "0.26.0",
        "startupSeconds": 0,
        "start": {"outcome": "serves"},
        "logLines": [],
        "maxModelLen": 1024,
        "maxNumSeqs": 256,
        "maxNumBatchedTokens": 2048,
        "kvBlocks": 2000,
        "blockSize": 16,
        "step": {**step, **changes.pop("step", {})},
        "noise": {"relativeDeviation": noise, "seed": seed},
        **changes,
    }
    return Parameters(document)


def simulated_trial(engine, load, inputs=128, outputs=40):
    """A TrialMeasurement of a closed loop (`concurrency`) or Poisson arrivals (`requestsPerSecond`).

    Lengths and arrivals are the same in every run, as they are by a plan's seed.
    """
    scheduler = Scheduler(engine)
    lengths = random.Random("lengths")
    concurrency, rate = load.get("concurrency"), load.get("requestsPerSecond")
    count = max(150 + concurrency, 5 * concurrency) if concurrency else max(400, 8 * rate)
    sent, first, end, tokens = [], [None] * count, [None] * count, [0] * count
    due, at = [], 0.0
    for _ in range(count):
        at += lengths.expovariate(rate) if rate else 0.0
        due.append(at)
    now, running = 0.0, {}

    def send():
        index = len(sent)
        output = max(1, round(lengths.gauss(outputs, outputs / 10)))
        sequence = Sequence(index, max(1, round(lengths.gauss(inputs, inputs / 5))), output)
        running[index] = sequence
        scheduler.add(sequence)
        sent.append(now)
        tokens[index] = output

    while len(sent) < count or running:
        while len(sent) < count and (due[len(sent)] <= now if rate else len(running) < concurrency):
            send()
        duration = scheduler.begin_step()
        if duration is None:
            now = due[len(sent)]
            continue
        now += duration
        for sequence in scheduler.end_step():
            index = sequence.owner
            if first[index] is None:
                first[index] = now
            if sequence.generated >= sequence.output_tokens:
                end[index] = now
                del running[index]
    return {
        "durationMs": 1000 * now,
        "concurrency": concurrency,
        "requests": {
            "sentMs": [1000 * value for value in sent],
            "ttftMs": [1000 * (value - start) for value, start in zip(first, sent)],
            "e2eMs": [1000 * (value - start) for value, start in zip(end, sent)],
            "inputTokens": [inputs] * count,
            "outputTokens": tokens,
            "chunks": tokens,
            "failure": [None] * count,
        },
        "client": {"bound": False},
    }


# The searches


def cells_of(loads):
    return [{"id": f"c{at}", "load": load} for at, load in enumerate(loads)]


def drive(search, cells, settle):
    """(Finished, cells run, trials run)."""
    settled, runs = {}, 0
    by_id = {cell["id"]: at for at, cell in enumerate(cells)}
    while True:
        decision = search.decide(settled)
        if isinstance(decision, Finished):
            return decision, len(settled), runs
        failure, trials = None, []
        measured = {cell: one.trials for cell, one in settled.items()}
        measured[decision.cell] = trials
        while not trials or search.wants_repeat(trials, search.spent(measured)):
            failure, figures = settle(by_id[decision.cell], len(trials))
            runs += 1
            if failure:
                break
            trials.append(figures)
        settled[decision.cell] = Settled(failure, trials)


def failed_start(change=None):
    remedies = [{"flag": "gpu-memory-utilization", "change": change, "why": "memory"}] if change else []
    return {"kind": "refused", "phase": "start", "message": "does not fit", "remedies": remedies}


class Starts:
    """gpu_memory_utilization up to 0.98: what a start needs varies by 3 %."""

    unit = "engine starts"

    def __init__(self, name, goal, edge, expected=None, holes=(), above=None, told=True, count=49):
        self.name, self.goal, self.edge, self.holes, self.above, self.told = name, goal, edge, holes, above, told
        self.values = [round(0.98 - 0.48 * (count - 1 - at) / (count - 1), 2) for at in range(count)]
        self.step = self.values[1] - self.values[0]
        self.cells = cells_of([{"concurrency": 1}] * len(self.values))
        self.expected = expected

    def run(self, seed):
        noise = random.Random(f"{self.name}/{seed}")
        request = {
            "id": "s",
            "cells": [cell["id"] for cell in self.cells],
            "goal": {"kind": self.goal},
            "flag": "gpu-memory-utilization",
        }
        if self.expected is not None:
            guess = self.expected * noise.gauss(1, NOISE)
            request["expected"] = min(self.cells, key=lambda cell: abs(self.value(cell) - guess))["id"]
        search = Search(request, {cell["id"]: cell for cell in self.cells})

        def settle(at, _trial):
            value, factor = self.values[at], noise.gauss(1, NOISE)
            if value in self.holes:
                return failed_start(), None
            if self.above is not None and value > self.above * factor:
                return failed_start("lower" if self.told else None), None
            short = value < self.edge * factor if self.goal == "smallest-that-starts" else value > self.edge * factor
            change = "raise" if self.goal == "smallest-that-starts" else "lower"
            return (failed_start(change if self.told else None) if short else None), "started"

        found, used, _ = drive(search, self.cells, settle)
        at = None if found.found is None else int(found.found[1:])
        right = at is not None and abs(self.values[at] - self.edge) <= 2 * NOISE * self.edge + self.step
        return used / len(self.cells), right, found.smooth

    def value(self, cell):
        return self.values[int(cell["id"][1:])]


def level(cell):
    return cell["load"].get("concurrency") or cell["load"]["requestsPerSecond"]


class Loads:
    """Runs at one load after the other on one engine."""

    unit = "load runs"

    def __init__(self, name, goal, loads, rough=(), **changes):
        self.name, self.goal, self.rough, self.changes = name, goal, rough, changes
        self.cells = cells_of(loads)
        self._truth = {}

    def engine(self, at, noise, seed, scale):
        # A batch for which there is no captured graph, or no tuned kernel: slower than its neighbours.
        rough = {"step": {"baseMs": 6 * scale * 1.3}} if at in self.rough else {}
        return parameters(noise, seed, scale, **{**self.changes, **rough})

    def figures(self, at, noise, seed, scale=1.0):
        return trial_figures(
            simulated_trial(self.engine(at, noise, seed, scale), self.cells[at]["load"]),
            "closed-loop" if "concurrency" in self.cells[at]["load"] else "open-loop",
        )

    def truth(self, at):
        """Without noise."""
        if at not in self._truth:
            self._truth[at] = self.figures(at, 0, 0)
        return self._truth[at]

    def run(self, seed):
        noise = random.Random(f"{self.name}/{seed}")
        request = {"id": "s", "cells": [cell["id"] for cell in self.cells], "goal": self.goal}
        search = Search(request, {cell["id"]: cell for cell in self.cells})

        def settle(at, trial):
            return None, self.figures(at, NOISE, 1000 * seed + trial, max(0.8, noise.gauss(1, NOISE)))

        found, _, runs = drive(search, self.cells, settle)
        at = None if found.found is None else int(found.found[1:])
        return runs / len(self.cells), at is not None and self.is_right(at), found.smooth


class WithinLimits(Loads):
    def meets(self, at):
        return judge_trial(self.truth(at), LIMITS).meets

    def edges(self):
        """The largest load below every miss, and the largest that meets the limits: one where it is monotonic."""
        meeting = [at for at in range(len(self.cells)) if self.meets(at)]
        first_miss = next(at for at in range(len(self.cells)) if at not in meeting)
        return level(self.cells[first_miss - 1]), level(self.cells[meeting[-1]])

    def is_right(self, at):
        """Within two deviations and one candidate of the edge, or of the range that it is not sure in."""
        low, high = self.edges()
        above, below = self.cells[max(0, at - 1)], self.cells[min(at + 1, len(self.cells) - 1)]
        return (1 - 2 * NOISE) * low <= level(below) and level(above) <= (1 + 2 * NOISE) * high


class Knee(Loads):
    def throughput(self, at):
        return self.truth(at).system_tokens_per_second

    def is_right(self, at):
        """On the plateau, and the load a fifth below is not, give or take two deviations."""
        most = max(self.throughput(other) for other in range(0, len(self.cells), 4))
        below = int(at / 1.2)
        return self.throughput(at) >= (1 - GAIN - 2 * NOISE) * most and (
            below == at or self.throughput(below) <= (1 - GAIN + 2 * NOISE) * most
        )


def scenarios():
    closed = [{"concurrency": number} for number in range(1, 129)]
    rates = [{"requestsPerSecond": 5 * at} for at in range(1, 61)]
    slo = {"kind": "largest-within-slo", "limits": LIMITS}
    knee = {"kind": "knee", "gain": GAIN}
    narrow = {"kvBlocks": 400}
    return [
        Starts("smallest gpu_memory_utilization that starts", "smallest-that-starts", 0.71),
        Starts("the same among ten values", "smallest-that-starts", 0.71, count=10),
        Starts("the same, where the estimate expects it (3 % off)", "smallest-that-starts", 0.71, expected=0.71),
        Starts("largest that starts", "largest-that-starts", 0.88),
        Starts("not monotonic: too much fails as well, the log says so", "smallest-that-starts", 0.71, above=0.9),
        Starts("not monotonic: holes beside the edge, the log says nothing", "smallest-that-starts", 0.71, holes=(0.72, 0.74), told=False),
        WithinLimits("largest concurrency within an SLO", slo, closed),
        WithinLimits("the same among sixteen", slo, [{"concurrency": number} for number in range(8, 136, 8)]),
        WithinLimits("largest request rate within an SLO", slo, rates),
        WithinLimits("not monotonic: every fourth concurrency is slower", slo, closed, rough=range(0, 128, 4)),
        Knee("knee", knee, closed, maxNumSeqs=48),
        Knee("knee where throughput falls again (preemption)", knee, closed, **narrow),
    ]


def main():
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    for scenario in scenarios():
        shares, right, smooth = zip(*(scenario.run(seed) for seed in range(seeds * (10 if isinstance(scenario, Starts) else 1))))
        print(
            json.dumps(
                {
                    "name": scenario.name,
                    "unit": scenario.unit,
                    "candidates": len(scenario.cells),
                    "seeds": len(shares),
                    "meanShare": sum(shares) / len(shares),
                    "mostShare": max(shares),
                    "right": sum(right) / len(right),
                    "rough": sum(not one for one in smooth) / len(smooth),
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()
