"""A driver that hangs: whoever holds the channel says so, and ends all the same."""

import os
import threading
import time
import unittest
from unittest import mock

from loadline_agent.sampling import verb
from loadline_agent.sampling.reading import Reading
from support import HANGS_SECONDS


class HangingDevice:
    """Its first reads work; then one never returns until it is let go."""

    source = "test"
    rung = "none"
    detail = "of a test"
    recorded = False

    def __init__(self):
        self.reads = 0
        self.hangs = threading.Event()
        self.let_go = threading.Event()

    def gpus(self):
        return [
            {
                "index": 0,
                "uuid": "",
                "name": "",
                "memoryTotalBytes": 0,
                "memoryUsedBytes": None,
                "powerLimitWatts": None,
            }
        ]

    def readings(self, mode, interval, keep_power=False):
        return [Reading("memory", ("memoryUsedBytes",), 0, "a test", self.read)]

    def read(self, _):
        self.reads += 1
        if self.reads == 3:
            self.hangs.set()
            self.let_go.wait(HANGS_SECONDS)
        return [1]

    def close(self):
        pass


class SilentDriverTest(unittest.TestCase):
    def setUp(self):
        self.lines = []
        self.device = HangingDevice()
        self.addCleanup(self.device.let_go.set)

    def watched(self, thread, condition):
        """Watches as the main thread of `sample` does, until the condition holds of the notices."""
        end = time.monotonic() + HANGS_SECONDS
        while not condition([line["code"] for line in self.lines if line["type"] == "telemetry-notice"]):
            self.assertLess(time.monotonic(), end, self.lines[-5:])
            thread.watch()
            threading.Event().wait(0.01)

    def silent_after(self, seconds):
        patch = mock.patch.object(verb, "SILENT_SECONDS", seconds)
        patch.start()
        self.addCleanup(patch.stop)

    def start(self, open_device):
        patch = mock.patch.object(verb, "open_device", open_device)
        patch.start()
        self.addCleanup(patch.stop)
        # A busy machine may take its time over any read: silent is what the tests say is.
        self.silent_after(HANGS_SECONDS)
        thread = verb.SamplingThread({"intervalMs": 10, "device": {"kind": "auto"}}, None, self.lines.append)
        self.addCleanup(os.close, thread.done)
        self.addCleanup(os.close, thread._stop_reading)
        self.addCleanup(thread.stop)
        return thread

    def test_it_is_said_once_and_so_is_that_it_answers_again(self):
        thread = self.start(lambda *_: self.device)
        self.assertTrue(self.device.hangs.wait(HANGS_SECONDS))
        self.silent_after(0.05)
        self.watched(thread, lambda codes: "silent-device" in codes)
        for _ in range(5):
            thread.watch()
        notices = [line for line in self.lines if line["type"] == "telemetry-notice"]
        self.assertEqual([(n["code"], n["gpus"]) for n in notices], [("silent-device", [0])])
        self.assertIn("reading memory", notices[0]["message"])
        self.assertFalse(thread.join(0), "it hangs, and nobody waits for it")
        self.silent_after(HANGS_SECONDS)
        self.device.let_go.set()
        self.watched(thread, lambda codes: codes == ["silent-device", "device-back"])
        thread.stop()
        self.assertTrue(thread.join(HANGS_SECONDS))
        gaps = [line for line in self.lines if line["type"] == "telemetry-gap"]
        self.assertIn("reading the device took too long", [gap["cause"] for gap in gaps])

    def test_one_that_hangs_when_it_is_opened(self):
        def open_device(*_):
            self.device.let_go.wait(HANGS_SECONDS)
            return self.device

        thread = self.start(open_device)
        self.silent_after(0)
        self.watched(thread, lambda codes: codes == ["silent-device"])
        self.silent_after(HANGS_SECONDS)
        self.assertIn("opening the device", self.lines[0]["message"])
        self.device.reads = 10
        self.device.let_go.set()
        thread.stop()
        self.assertTrue(thread.join(HANGS_SECONDS))


if __name__ == "__main__":
    unittest.main()
