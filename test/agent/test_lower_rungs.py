"""nvidia-smi by what it printed on real GPUs, and AMD's files by a made tree named after the kernel's documentation."""

import os
import shutil
import sys
import tempfile
import time
import unittest
from unittest import mock

import recorded_nvidia_smi
from loadline_agent.devices import nvidia_smi
from loadline_agent.devices.amd_sysfs import AmdSysfsDevice
from loadline_agent.devices.nvidia_smi import (
    NvidiaSmiDevice,
    known_fields,
    parse_cell,
    parse_row,
)
from loadline_agent.devices.unavailable import DeviceUnavailable
from loadline_agent.sampling.reading import MODES, Unavailable
from support import HANGS_SECONDS, AgentTest, describe

COMMAND = [sys.executable, recorded_nvidia_smi.__file__]


def wait_for(condition):
    end = time.monotonic() + HANGS_SECONDS
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("it did not come")
        time.sleep(0.01)


class SmiParserTest(unittest.TestCase):
    def test_the_names_that_a_program_knows_with_their_aliases(self):
        known = known_fields("\n".join(recorded_nvidia_smi.recorded("h200-help-query-gpu.txt")[1]))
        self.assertGreater(len(known), 200)
        for name in ("power.draw.instant", "clocks.sm", "clocks.current.sm", "clocks_throttle_reasons.active", "uuid"):
            self.assertIn(name, known)

    def test_rows_of_a_recorded_loop(self):
        _, lines = recorded_nvidia_smi.recorded("h200-lms20.txt")
        rows = [parse_row(line, ["timestamp", "index", "utilization.gpu", "memory.used"]) for line in lines]
        self.assertGreater(len(rows), 100)
        self.assertEqual({row["index"] for row in rows}, {"0", "1"})
        self.assertEqual({row["memory.used"] for row in rows}, {"0"})

    def test_what_stands_for_no_reading(self):
        for text in (
            "[N/A]",
            "N/A",
            "[Not Supported]",
            "[Insufficient Permissions]",
            "[Unknown Error]",
            "[Requested functionality has been deprecated]",
            "ERR!",
            "",
        ):
            self.assertIsNone(parse_cell(text), text)
        self.assertEqual(parse_cell(" 0 "), "0", "none is not 0, and 0 is not none")

    def test_a_name_with_commas_stays_whole_as_the_last_cell(self):
        self.assertEqual(parse_row("0, a, b, c", ["index", "name"]), {"index": "0", "name": "a, b, c"})
        self.assertIsNone(parse_row("0", ["index", "name"]))


class SmiDeviceTest(unittest.TestCase):
    def setUp(self):
        # A busy machine may take its time over a row.
        patch = mock.patch.object(nvidia_smi, "STALE_LOOPS", HANGS_SECONDS * 10)
        patch.start()
        self.addCleanup(patch.stop)

    def device(self, **environment):
        with mock.patch.dict(os.environ, environment):
            device = NvidiaSmiDevice(command=COMMAND)
            (reading,) = device.readings(MODES["live"], 0.1)
        self.addCleanup(device.close)
        return device, reading

    def test_what_it_says_of_the_gpus(self):
        device, _ = self.device()
        first, second = device.gpus()
        self.assertEqual((first["index"], first["name"], second["index"]), (0, "NVIDIA H200", 1))
        self.assertEqual(first["memoryTotalBytes"], 143771 << 20)
        self.assertEqual((first["memoryReservedBytes"], first["powerLimitWatts"]), (616 << 20, 700))
        self.assertEqual(device.driver, "580.159.04")

    def test_readings_of_the_loop(self):
        with tempfile.NamedTemporaryFile() as held:
            _, reading = self.device(RECORDED_SMI_WAITS=held.name)
            self.assertEqual(reading.read(1), [None] * len(reading.columns), "before the first row nothing is known")
        wait_for(lambda: reading.read(1)[0] is not None)
        self.assertEqual(
            dict(zip(reading.columns, reading.read(1))),
            {
                "memoryUsedBytes": 0,
                "utilizationPercent": 0,
                "powerWatts": 123.16,
                "smClockMHz": 1980,
                "memoryClockMHz": 3201,
                "temperatureCelsius": 33,
                "throttleReasons": 1,
            },
        )

    def test_a_loop_that_ended_is_said_with_its_last_words(self):
        _, reading = self.device(RECORDED_SMI_ENDS="1")

        def said():
            with mock.patch("loadline_agent.devices.nvidia_smi.time.monotonic", lambda: 1e12):
                try:
                    reading.read(0)
                except Unavailable as error:
                    return str(error)
            return ""

        wait_for(lambda: "GPU is lost" in said())
        self.assertIn("exit status 15", said())

    def test_closing_it_leaves_no_process(self):
        device, _ = self.device()
        loop = device._loop._process
        device.close()
        self.assertIsNotNone(loop.returncode)

    def test_a_program_that_fails_is_no_device(self):
        with self.assertRaises(DeviceUnavailable) as raised:
            NvidiaSmiDevice(command=["/bin/sh", "-c", "echo 'Driver/library version mismatch'; exit 18"])
        self.assertIn("exit status 18: Driver/library version mismatch", str(raised.exception))


class SmiVerbTest(AgentTest):
    def test_the_rung_is_in_the_header_and_nothing_is_left_when_the_agent_is_killed(self):
        folder = os.path.join(self.folder, "bin")
        os.mkdir(folder)
        path = os.path.join(folder, "nvidia-smi")
        with open(path, "w") as file:
            file.write(f'#!/bin/sh\nexec "{sys.executable}" "{recorded_nvidia_smi.__file__}" "$@"\n')
        os.chmod(path, 0o755)
        process = self.spawn(
            "sample",
            {"intervalMs": 50, "device": {"kind": "nvidia-smi"}},
            environment={"PATH": folder + os.pathsep + os.environ["PATH"]},
        )
        self.assertIn(b'"rung":"nvidia-smi"', process.stdout.readline())
        wait_for(lambda: len(self.agents()) > 1)
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()
        wait_for(lambda: not self.agents())
        self.assertEqual([describe(pid) for pid in self.agents()], [])


#: One card as the amdgpu driver documents its files; the numbers are made up.
MADE_CARD = {
    "vendor": "0x1002",
    "device": "0x74a1",
    "product_name": "AMD Instinct MI300X",
    "unique_id": "8f2a4c3e5d6b7a90",
    "mem_info_vram_total": str(192 << 30),
    "mem_info_vram_used": str(12 << 30),
    "gpu_busy_percent": "87",
    "mem_busy_percent": "41",
    "hwmon/hwmon5/power1_average": "612000000",
    "hwmon/hwmon5/power1_cap": "750000000",
    "hwmon/hwmon5/temp1_input": "41000",
    "hwmon/hwmon5/temp2_input": "63000",
    "hwmon/hwmon5/freq1_input": "2100000000",
}


class MadeAmdSysfsTest(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="made-amd-sysfs-")
        self.addCleanup(shutil.rmtree, self.root)

    def card(self, number, bus, **changes):
        device = os.path.join(self.root, "devices", bus)
        for name, text in {**MADE_CARD, **changes}.items():
            path = os.path.join(device, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            if text is not None:
                with open(path, "w") as file:
                    file.write(text + "\n")
        folder = os.path.join(self.root, "class/drm", f"card{number}")
        os.makedirs(folder)
        os.symlink(device, os.path.join(folder, "device"))
        return device

    def row(self, device, position):
        values = {}
        for reading in device.readings(MODES["live"], 0.1):
            values.update(zip(reading.columns, reading.read(position)))
        return values

    def test_a_card(self):
        self.card(1, "0000:05:00.0")
        os.makedirs(os.path.join(self.root, "class/drm", "card1-DP-1"))
        device = AmdSysfsDevice(root=self.root)
        (gpu,) = device.gpus()
        self.assertEqual(
            (gpu["name"], gpu["memoryTotalBytes"], gpu["powerLimitWatts"]), ("AMD Instinct MI300X", 192 << 30, 750)
        )
        self.assertEqual(
            self.row(device, 0),
            {
                "memoryUsedBytes": 12 << 30,
                "utilizationPercent": 87,
                "dramActivePercent": 41,
                "powerWatts": 612,
                "smClockMHz": 2100,
                "temperatureCelsius": 63,
            },
        )

    def test_cards_are_in_the_order_of_the_bus_and_others_are_none(self):
        self.card(0, "0000:c5:00.0", unique_id="second")
        self.card(1, "0000:05:00.0", unique_id="first")
        self.card(2, "0000:01:00.0", vendor="0x8086")
        self.assertEqual([gpu["uuid"] for gpu in AmdSysfsDevice(root=self.root).gpus()], ["GPU-first", "GPU-second"])
        self.assertEqual([gpu["index"] for gpu in AmdSysfsDevice([1], root=self.root).gpus()], [1])

    def test_a_card_that_sleeps_is_not_known_and_no_zero(self):
        device = self.card(0, "0000:05:00.0")
        (busy,) = [
            reading
            for reading in AmdSysfsDevice(root=self.root).readings(MODES["live"], 0.1)
            if reading.name == "utilizationPercent"
        ]
        os.unlink(os.path.join(device, "gpu_busy_percent"))
        with self.assertRaises(Unavailable):
            busy.read(0)

    def test_no_card(self):
        with self.assertRaises(DeviceUnavailable):
            AmdSysfsDevice(root=self.root)


if __name__ == "__main__":
    unittest.main()
