"""Ticks at absolute deadlines; what is missed is said."""

import json
import math
import random
import statistics
import subprocess
import unittest
from unittest import mock

import contract
from loadline_agent.host import HostSampler
from loadline_agent.sampling.reading import Reading, Unavailable, Unsupported
from loadline_agent.sampling.sampler import Sampler
from support import AgentTest

RECORDED = {"kind": "recorded", "name": "h200-2026-11-static-batch"}


class Clock:
    """Time that passes only where something takes it: nothing here depends on how busy the machine is."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now

    def time(self):
        return self.now + 1.7e9

    def take(self, seconds):
        self.now += max(0.0, seconds)

    def wait(self, seconds):
        self.take(seconds)
        return False


class Device:
    """One GPU whose utilisation is how often it was read. Takes as long over a read as it is told to."""

    source = "test"
    rung = "none"
    detail = "of a test"
    recorded = False

    def __init__(self, slow_reads=(), more=(), gpus=1, take=None):
        self.take = take
        self.reads = 0
        self.slow_reads = dict(slow_reads)
        self.more = more
        self.gpu_count = gpus

    def gpus(self):
        gpu = {"uuid": "", "name": "", "memoryTotalBytes": 0, "memoryUsedBytes": None, "powerLimitWatts": None}
        return [{"index": index, **gpu} for index in range(self.gpu_count)]

    def readings(self, mode, interval, keep_power=False):
        return [Reading("count", ("utilizationPercent",), 0, "a count", self.read), *self.more]

    def read(self, _):
        self.reads += 1
        if self.reads in self.slow_reads:
            self.take(self.slow_reads[self.reads])
        return [self.reads]


def sample(clock, device, interval_ms, duration, write=None, last=None, mark_at=None, check=contract.check):
    lines = []

    def both(line):
        check(line, "TelemetryLine")
        lines.append(line)
        if line["type"] == "telemetry" and line["seq"] == mark_at:
            sampler.mark("cell a: start")
        if write:
            write(line)

    with mock.patch("time.monotonic", clock.monotonic), mock.patch("time.time", clock.time), mock.patch.object(
        HostSampler, "read", lambda _: [None] * 4
    ):
        sampler = Sampler(device, interval_ms, both, clock.wait)
        sampler.begin(last)
        sampler.run(duration)
    return lines


def of_type(lines, kind):
    return [line for line in lines if line["type"] == kind]


class SamplerTest(unittest.TestCase):
    def setUp(self):
        self.clock = Clock()

    def slow(self, reads):
        return Device(reads, take=self.clock.take)

    def test_every_tick_is_a_record_or_in_a_gap(self):
        lines = sample(self.clock, self.slow({4: 0.07}), 20, 0.4)
        gaps = [line for line in lines if line["type"] == "telemetry-gap"]
        records = [line for line in lines if line["type"] == "telemetry"]
        self.assertEqual([gap["missedTicks"] for gap in gaps], [3])
        self.assertEqual(len(records), 17)
        self.assertEqual([record["seq"] for record in records], list(range(len(records))))

    def test_a_stall_over_the_end_misses_only_what_was_due(self):
        lines = sample(self.clock, self.slow({20: 0.2}), 20, 0.4)
        ticks = sum(1 if line["type"] == "telemetry" else line["missedTicks"] for line in lines[1:])
        self.assertEqual(ticks, 20)

    def test_the_cause_of_a_gap(self):
        def cause(lines):
            (gap,) = of_type(lines, "telemetry-gap")
            return gap["cause"]

        self.assertIn("reading the device", cause(sample(self.clock, self.slow({2: 0.2}), 20, 0.3)))

        def slow_reader(line):
            self.clock.take(0.2 if line["type"] == "telemetry" and line["seq"] == 1 else 0)

        self.assertIn("reads the telemetry", cause(sample(self.clock, Device(), 20, 0.3, write=slow_reader)))

    def test_after_another_boot_a_header_starts_the_times_anew(self):
        last = {"type": "telemetry", "seq": 41, "monotonicMs": 10.0**12, "wallMs": self.clock.time() * 1000 - 5000}
        self.assertEqual(sample(self.clock, Device(), 20, 0.05, last=last)[0]["type"], "telemetry-header")

    def test_after_an_interruption_a_gap_and_the_next_seq(self):
        now = self.clock.now * 1000
        last = {"type": "telemetry", "seq": 41, "monotonicMs": now - 5000, "wallMs": self.clock.time() * 1000 - 5000}
        gap, record, *_ = sample(self.clock, Device(), 20, 0.05, last=last)
        self.assertEqual((gap["type"], gap["fromMonotonicMs"], record["seq"]), ("telemetry-gap", now - 5000, 42))
        self.assertEqual(gap["missedTicks"], 250)


class BusyClock(Clock):
    """Waits end late, as a busy machine's do."""

    def __init__(self, seed):
        super().__init__()
        self.random = random.Random(seed)

    def wait(self, seconds):
        self.now += max(0.0, seconds) + self.random.expovariate(1 / 0.0005)
        return False

    def read(self, _):
        self.now += self.random.uniform(0.0005, 0.006) if self.random.random() < 0.999 else 0.3
        return [1]


class SpareTimeTest(unittest.TestCase):
    """What is read less often than at every tick."""

    @staticmethod
    def reading(read, period=0.06, **more):
        return Reading("temperature", ("temperatureCelsius",), period, "a test", read, **more)

    def test_it_holds_in_between_and_is_there_at_the_first_tick(self):
        reads = iter(range(100))
        device = Device(more=[self.reading(lambda _: [next(reads)], 0.2)])
        lines = sample(BusyClock(1), device, 20, 0.5)
        header, records = lines[0], of_type(lines, "telemetry")
        at = header["gpuColumns"].index("temperatureCelsius")
        values = [record["gpus"][0][at] for record in records]
        self.assertEqual((values[0], sorted(set(values))), (0, [0, 1, 2]))
        self.assertEqual(header["method"]["readings"][1]["periodMs"], 200)

    def test_a_long_read_waits_for_a_time_when_it_delays_no_tick(self):
        clock = BusyClock(1)
        began = []

        def long_read(_):
            began.append(clock.now * 1000)
            clock.now += 0.03
            return [1]

        lines = sample(clock, Device(more=[self.reading(long_read, 0.05)]), 100, 5)
        deadlines = [record["monotonicMs"] - record["lateMs"] for record in of_type(lines, "telemetry")]
        self.assertGreater(len(began), 40)
        for at in began[1:]:
            following = min([deadline for deadline in deadlines if deadline > at], default=math.inf)
            self.assertGreater(following - at, 30)

    def test_one_that_never_fits_is_read_and_its_gap_says_so(self):
        clock = Clock()

        def longer_than_a_tick(_):
            clock.take(0.05)
            return [1]

        lines = sample(clock, Device(more=[self.reading(longer_than_a_tick, 0.04)]), 20, 1)
        self.assertIn(
            "reading temperature took longer than the time between two ticks",
            [gap["cause"] for gap in of_type(lines, "telemetry-gap")],
        )
        ticks = len(of_type(lines, "telemetry")) + sum(gap["missedTicks"] for gap in of_type(lines, "telemetry-gap"))
        self.assertEqual(ticks, 50)

    def test_what_a_gpu_does_not_have_is_said_once_and_asked_no_more(self):
        asked = []

        def only_the_first_gpu(gpu):
            asked.append(gpu)
            if gpu == 1:
                raise Unsupported("nvmlDeviceGetTemperature: not supported by this GPU (NVML code 3)")
            return [40]

        lines = sample(Clock(), Device(gpus=2, more=[self.reading(only_the_first_gpu, 0.04)]), 20, 0.5)
        (notice,) = of_type(lines, "telemetry-notice")
        self.assertEqual((notice["code"], notice["gpus"]), ("reading-off", [1]))
        self.assertIn("not supported by this GPU", notice["message"])
        self.assertEqual((asked.count(1), asked.count(0) > 3), (1, True))
        last = of_type(lines, "telemetry")[-1]
        at = lines[0]["gpuColumns"].index("temperatureCelsius")
        self.assertEqual([row[at] for row in last["gpus"]], [40, None])

    def test_what_fails_is_not_known_and_said_at_its_start_and_its_end(self):
        reads = []

        def fails_for_a_while(_):
            reads.append(1)
            if 3 <= len(reads) <= 5:
                raise Unavailable("the GPU has fallen off the bus")
            return [40]

        lines = sample(Clock(), Device(more=[self.reading(fails_for_a_while, 0.04)]), 20, 1)
        self.assertEqual(
            [notice["code"] for notice in of_type(lines, "telemetry-notice")], ["reading-failed", "reading-back"]
        )
        at = lines[0]["gpuColumns"].index("temperatureCelsius")
        values = [record["gpus"][0][at] for record in of_type(lines, "telemetry")]
        self.assertEqual((values[0], None in values, values[-1]), (40, True, 40))

    def test_a_mark_is_kept_and_what_is_read_at_marks_follows_it(self):
        energy = iter(range(100, 200))
        reading = Reading(
            "energy",
            (),
            math.inf,
            "a test",
            lambda _: [],
            lambda _: [{"type": "telemetry-energy", "counterJoules": next(energy), "integratedJoules": None}],
            at_marks=True,
        )
        lines = sample(Clock(), Device(more=[reading]), 20, 0.4, mark_at=5)
        told = [
            line.get("text") or line["counterJoules"]
            for line in lines
            if line["type"] in ("telemetry-mark", "telemetry-energy")
        ]
        self.assertEqual(told, [100, "cell a: start", 101, 102], "at the start, at the mark and at the end")


class DriftTest(unittest.TestCase):
    def test_an_hour_at_10_hz_drifts_less_than_a_millisecond_and_accounts_for_every_tick(self):
        clock = BusyClock(1)
        device = Device()
        device.read = clock.read
        lines = sample(clock, device, 100, 3600, check=lambda *_: None)
        records, gaps = of_type(lines, "telemetry"), of_type(lines, "telemetry-gap")
        self.assertEqual(len(records) + sum(gap["missedTicks"] for gap in gaps), 36000)
        self.assertGreater(len(gaps), 10)

        # A record's time is the middle of its reads: what they took is the only thing between it and its deadline.
        offsets = [(record["monotonicMs"] - record["lateMs"] - 1e6) % 100 for record in records]
        first, last = offsets[: len(offsets) // 10], offsets[-len(offsets) // 10 :]
        self.assertLess(abs(statistics.median(last) - statistics.median(first)), 1)


class SampleVerbTest(AgentTest):
    def test_pings_are_answered_and_marks_are_kept(self):
        process = self.spawn("sample", stderr=subprocess.DEVNULL)
        request = {"intervalMs": 20, "device": RECORDED}
        # The request and a ping in one write, then lines that are no control.
        process.stdin.write(
            json.dumps(request).encode() + b'\n{"ping":7}\n[1]\nnonsense\n{"later":true}\n{"mark":"a: \xc3\xa9"}\n'
        )
        process.stdin.flush()
        found = {}
        while not {"telemetry-pong", "telemetry-mark"} <= found.keys():
            line = json.loads(process.stdout.readline())
            contract.check(line, "TelemetryLine")
            found[line["type"]] = line
            if line["type"] == "telemetry" and "telemetry-mark" not in found:
                process.stdin.write(b'{"mark":"a: \xc3\xa9"}\n')
                process.stdin.flush()
        self.assertEqual((found["telemetry-pong"]["ping"], found["telemetry-mark"]["text"]), (7, "a: é"))
        process.stdin.close()
        process.stdout.read()
        process.stdout.close()
        self.assertEqual(process.wait(30), 0)

    def test_quiet_is_never_more_often_than_five_times_a_second(self):
        lines, _ = self.agent("sample", {"intervalMs": 20, "device": RECORDED, "durationMs": 60000, "mode": "quiet"})
        self.assertEqual((lines[0]["intervalMs"], lines[0]["method"]["mode"]), (200, "quiet"))

    def test_a_duration_ends_it(self):
        process = self.spawn("sample", {"intervalMs": 20, "device": RECORDED, "durationMs": 200})
        lines = [json.loads(line) for line in process.stdout]
        self.assertEqual(process.wait(), 0)
        process.stdin.close()
        process.stdout.close()
        self.assertTrue(lines[0]["recorded"])
        records = of_type(lines, "telemetry")
        self.assertEqual(len(records) + sum(gap["missedTicks"] for gap in of_type(lines, "telemetry-gap")), 10)
        self.assertEqual(len(records[0]["gpus"][0]), len(lines[0]["gpuColumns"]))

    def test_closing_stdin_ends_it(self):
        process = self.spawn("sample", {"intervalMs": 20, "device": {"kind": "auto"}})
        self.assertEqual(json.loads(process.stdout.readline())["type"], "telemetry-header")
        process.stdin.close()
        process.stdout.read()
        self.assertEqual(process.wait(30), 0)
        process.stdout.close()

    def test_a_request_over_several_lines(self):
        process = self.spawn("sample", stderr=subprocess.DEVNULL)
        process.stdin.write(json.dumps({"intervalMs": 20, "device": RECORDED, "durationMs": 40}, indent=2).encode())
        process.stdin.flush()
        self.assertEqual(json.loads(process.stdout.readline())["type"], "telemetry-header")
        process.stdin.close()
        process.stdout.read()
        process.stdout.close()
        self.assertEqual(process.wait(30), 0)


if __name__ == "__main__":
    unittest.main()
