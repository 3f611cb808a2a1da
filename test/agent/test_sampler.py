"""Ticks at absolute deadlines; what is missed is said."""

import json
import subprocess
import time
import unittest

import contract
from loadline_agent.sampler import Sampler
from support import AgentTest

RECORDED = {"kind": "recorded", "name": "h200-2026-11-static-batch"}


class Device:
    """One column: how often it was read. Takes as long over a read as it is told to."""

    source = "test"
    recorded = False
    columns = ("utilizationPercent",)

    def __init__(self, slow_reads=()):
        self.reads = 0
        self.slow_reads = dict(slow_reads)

    def gpus(self):
        return []

    def read(self):
        self.reads += 1
        time.sleep(self.slow_reads.get(self.reads, 0))
        return [[self.reads]]


def sample(device, interval_ms, duration, write=None, last=None):
    lines = []

    def both(line):
        contract.check(line, "TelemetryLine")
        lines.append(line)
        if write:
            write(line)

    def stopped(seconds):
        time.sleep(max(0, seconds))
        return False

    sampler = Sampler(device, interval_ms, both, stopped)
    sampler.begin(last)
    sampler.run(duration)
    return lines


class SamplerTest(unittest.TestCase):
    def test_every_tick_is_a_record_or_in_a_gap(self):
        lines = sample(Device({4: 0.07}), 20, 0.4)
        gaps = [line for line in lines if line["type"] == "telemetry-gap"]
        records = [line for line in lines if line["type"] == "telemetry"]
        self.assertGreaterEqual(len(gaps), 1)
        self.assertGreaterEqual(gaps[0]["missedTicks"], 3)
        self.assertEqual(len(records) + sum(gap["missedTicks"] for gap in gaps), 20)
        self.assertEqual([record["seq"] for record in records], list(range(len(records))))

    def test_a_stall_over_the_end_misses_only_what_was_due(self):
        lines = sample(Device({19: 0.2}), 20, 0.4)
        ticks = sum(1 if line["type"] == "telemetry" else line["missedTicks"] for line in lines[1:])
        self.assertEqual(ticks, 20)

    def test_the_cause_of_a_gap(self):
        def causes(lines):
            # A busy machine may add gaps of its own.
            return " / ".join(line["cause"] for line in lines if line["type"] == "telemetry-gap")

        self.assertIn("reading the device", causes(sample(Device({2: 0.2}), 20, 0.3)))

        def slow_reader(line):
            time.sleep(0.2 if line["type"] == "telemetry" and line["seq"] == 1 else 0)

        self.assertIn("reads the telemetry", causes(sample(Device(), 20, 0.3, write=slow_reader)))

    def test_after_another_boot_a_header_starts_the_times_anew(self):
        last = {"type": "telemetry", "seq": 41, "monotonicMs": 10.0**12, "wallMs": time.time() * 1000 - 5000}
        self.assertEqual(sample(Device(), 20, 0.05, last=last)[0]["type"], "telemetry-header")

    def test_after_an_interruption_a_gap_and_the_next_seq(self):
        now = time.monotonic() * 1000
        last = {"type": "telemetry", "seq": 41, "monotonicMs": now - 5000, "wallMs": time.time() * 1000 - 5000}
        gap, record, *_ = sample(Device(), 20, 0.05, last=last)
        self.assertEqual((gap["type"], gap["fromMonotonicMs"], record["seq"]), ("telemetry-gap", now - 5000, 42))
        self.assertGreaterEqual(gap["missedTicks"], 249)


class SampleVerbTest(AgentTest):
    def test_a_duration_ends_it(self):
        process = self.spawn("sample", {"intervalMs": 20, "device": RECORDED, "durationMs": 200})
        lines = [json.loads(line) for line in process.stdout]
        self.assertEqual(process.wait(), 0)
        process.stdin.close()
        process.stdout.close()
        self.assertTrue(lines[0]["recorded"])
        ticks = sum(1 if line["type"] == "telemetry" else line["missedTicks"] for line in lines[1:])
        self.assertEqual(ticks, 10)
        self.assertEqual(len(lines[1]["gpus"][0]), len(lines[0]["gpuColumns"]))

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
