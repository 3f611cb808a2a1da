"""NVML readings against a library of our own making, and the sizes of its structs."""

import ctypes
import json
import math
import os
import subprocess
import sys
import unittest
from unittest import mock

from fake_nvml import FakeLibrary
from loadline_agent.devices import nvidia_smi, open_device
from loadline_agent.devices.nvml import gpm, library, samples, structs
from loadline_agent.errors import AgentError
from loadline_agent.sampling.reading import MODES, Unavailable, Unsupported

HERE = os.path.dirname(os.path.abspath(__file__))


class Readings:
    """The readings of a device by name, at times of the test's own."""

    def __init__(self, device, mode="live", keep_power=False):
        self.by_name = {reading.name: reading for reading in device.readings(MODES[mode], 1 / 6, keep_power)}

    def at(self, now, name, gpu=0):
        """Column -> value, as the reading gives it at `now` seconds."""
        reading = self.by_name[name]
        with mock.patch.object(gpm.time, "monotonic", lambda: now):
            values = list(reading.read(gpu))
        return dict(zip(reading.columns, values))

    def events(self, name, gpu=0):
        reading = self.by_name[name]
        reading.read(gpu)
        return reading.events(gpu)


class NvmlTest(unittest.TestCase):
    def readings(self, fake, mode="live", **options):
        return Readings(fake.device(self), mode, **options)

    def test_struct_sizes_are_the_headers(self):
        sizes = {
            "MemoryV2": 40,
            "Memory": 24,
            "FieldValue": 40,
            "Sample": 16,
            "GpmMetric": 40,
            "GpmSupport": 8,
            "ProcessInfo": 24,
            "ProcessInfoOf535": 32,
            "PciInfo": 68,
        }
        self.assertEqual({name: ctypes.sizeof(getattr(structs, name)) for name in sizes}, sizes)
        self.assertEqual(structs.MEMORY_V2_VERSION, 0x02000028)
        self.assertEqual(structs.GpmMetricsGet.metrics.offset, 24)
        self.assertEqual(structs.FieldValue.value.offset, 32)

    def test_what_the_device_says_of_itself(self):
        device = FakeLibrary().device(self)
        self.assertEqual((device.driver, device.cuda), ("580.1", "13.2"))
        self.assertEqual([gpu["uuid"] for gpu in device.gpus()], ["GPU-0", "GPU-1"])
        self.assertIsNone(device.gpus()[0]["powerLimitWatts"], "a function that the driver lacks is not known, not 0")
        self.assertEqual(device.gpus()[0]["links"]["pcieBytesPerSecond"], 31504000000)

    def test_only_the_gpus_of_the_run(self):
        self.assertEqual([gpu["index"] for gpu in FakeLibrary().device(self, [1]).gpus()], [1])

    def test_older_functions_stand_in_for_newer_ones(self):
        readings = self.readings(FakeLibrary())
        self.assertEqual(readings.at(100, "memory"), {"memoryUsedBytes": 300})
        self.assertEqual(readings.at(100, "throttle"), {"throttleReasons": 0x20})

    def test_what_is_never_to_be_had_is_told_from_what_is_not_there_now(self):
        fake = FakeLibrary()
        readings = self.readings(fake)
        with self.assertRaises(Unsupported) as raised:
            readings.at(100, "temperature")
        self.assertIn("no such function", str(raised.exception))
        fake.refused["nvmlDeviceGetMemoryInfo"] = structs.GPU_IS_LOST
        with self.assertRaises(Unavailable) as raised:
            readings.at(100, "memory")
        self.assertIn("fallen off the bus", str(raised.exception))

    def test_pcie_counters_that_wrap(self):
        fake = FakeLibrary()
        readings = self.readings(fake)
        fake.counters = {197: 2**32 - 100, 198: 500}
        self.assertIsNone(readings.at(100, "pcie-counters")["pcieTxBytesPerSecond"], "one reading is no rate")
        fake.counters = {197: 2**32 + 900, 198: 700}
        row = readings.at(100.1, "pcie-counters")
        self.assertEqual((row["pcieTxBytesPerSecond"], row["pcieRxBytesPerSecond"]), (10000, 2000))

    def test_pcie_counters_that_may_have_wrapped_more_than_once_are_not_known(self):
        fake = FakeLibrary(generation=5)
        fake.counters = {197: 1, 198: 1}
        readings = self.readings(fake)
        readings.at(100, "pcie-counters")
        self.assertIsNone(readings.at(100.1, "pcie-counters")["pcieTxBytesPerSecond"])

    def test_nvlink_counters_are_kib_of_all_links(self):
        fake = FakeLibrary()
        readings = self.readings(fake)
        fake.counters = {138: 10, 139: 2**40}
        readings.at(100, "nvlink-counters")
        fake.counters = {138: 1010, 139: 2**40 + 500}
        self.assertEqual(
            readings.at(101, "nvlink-counters"),
            {"nvlinkTxBytesPerSecond": 1024000, "nvlinkRxBytesPerSecond": 512000},
        )
        fake.counters = {}
        with self.assertRaises(Unsupported):
            readings.at(102, "nvlink-counters")

    def test_power_is_the_mean_since_the_last_reading(self):
        fake = FakeLibrary()
        readings = self.readings(fake)
        fake.samples[0] = [(1_000_000, 50_000), (3_000_000, 100_000), (3_020_000, 300_000)]
        self.assertEqual(readings.at(100, "power")["powerWatts"], 200, "of the driver's history only what is new")
        fake.samples[0] += [(3_040_000, 700_000), (3_060_000, 800_000)]
        self.assertEqual(readings.at(100.5, "power")["powerWatts"], 750)
        del fake.samples[0][:]
        fake.refused["nvmlDeviceGetSamples"] = structs.NOT_SUPPORTED
        self.assertEqual(readings.at(101, "power")["powerWatts"], 77.8, "the plain reading stands in")

    def test_power_samples_are_passed_on_where_asked_for_and_a_hole_parts_them(self):
        fake = FakeLibrary()
        readings = self.readings(fake, keep_power=True)
        fake.samples[0] = [(1_000_000, 50_000)]
        readings.events("power")
        fake.samples[0] += [(1_020_000, 60_000), (1_040_000, 70_000), (2_000_000, 80_000)]
        first, second = readings.events("power")
        self.assertEqual((first["watts"], first["periodMs"], second["watts"]), ([60.0, 70.0], 20.0, [80.0]))
        self.assertAlmostEqual(second["monotonicMs"] - first["monotonicMs"], 980, delta=0.01)
        self.assertEqual(readings.events("power"), [], "each once")

    def test_energy_beside_the_counter_is_what_the_samples_add_up_to(self):
        fake = FakeLibrary()
        readings = self.readings(fake)
        fake.samples[0] = [(5_000_000, 100_000)]
        readings.at(100, "power")
        fake.samples[0] += [(5_000_000 + 20_000 * step, 100_000) for step in range(1, 51)]
        readings.at(101, "power")
        fake.energy_mj = 7_000_000
        (event,) = readings.events("energy")
        self.assertEqual(event["counterJoules"], 7000)
        self.assertAlmostEqual(event["integratedJoules"], 100)

    def test_energy_is_integrated_up_to_the_reading_of_the_counter_and_the_next_mean_of_power_has_all_samples(self):
        fake = FakeLibrary()
        readings = self.readings(fake)
        fake.samples[0] = [(5_000_000, 100_000)]
        readings.at(100, "power")
        fake.samples[0] += [(6_000_000, 300_000)]
        (event,) = readings.events("energy")
        self.assertAlmostEqual(event["integratedJoules"], 200)
        fake.samples[0] += [(6_020_000, 500_000)]
        self.assertEqual(readings.at(101, "power")["powerWatts"], 400)

    def test_utilisation_is_the_mean_of_the_drivers_samples(self):
        fake = FakeLibrary()
        readings = self.readings(fake)
        fake.samples[1] = [(1_000_000, 10), (9_000_000, 50), (9_200_000, 70)]
        self.assertEqual(readings.at(100, "utilization")["utilizationPercent"], 60)
        self.assertEqual(readings.at(100.1, "utilization")["utilizationPercent"], 60, "it holds until there is more")
        fake.refused["nvmlDeviceGetSamples"] = structs.NOT_SUPPORTED
        self.assertEqual(readings.at(101, "utilization")["utilizationPercent"], 87)

    def test_gpm(self):
        fake = FakeLibrary(gpm=True)
        device = fake.device(self)
        readings = Readings(device)
        self.assertNotIn("pcie-counters", readings.by_name)
        fake.metrics = {2: 88.126, 5: 12.9, 10: 40.0, 20: 1.0, 21: 2.0, 60: 3.0, 61: 377249}
        self.assertIsNone(readings.at(100, "activity")["smActivePercent"])
        self.assertIsNone(readings.at(100.1, "activity")["smActivePercent"], "both samples may be of one refresh")
        row = readings.at(100.2, "activity")
        self.assertEqual(
            (row["smActivePercent"], row["tensorActivePercent"], row["dramActivePercent"]), (88.1, 12.9, 40.0)
        )
        self.assertEqual((row["pcieTxBytesPerSecond"], row["pcieRxBytesPerSecond"]), (1048576, 2097152))
        self.assertAlmostEqual(
            row["nvlinkTxBytesPerSecond"] / 386.14e9,
            1,
            delta=0.001,
            msg="the traffic that was sent when it was recorded",
        )
        fake.metrics = {2: 0.0, 5: 0.0, 10: math.nan, 20: 0.0, 21: 0.0}
        self.assertIsNone(
            readings.at(100.3, "activity")["smActivePercent"], "NaN says that there is nothing new, not that it is idle"
        )
        device.close()
        self.assertEqual(fake.freed, 6)

    def test_instances_of_a_divided_gpu_have_their_own_memory_and_activity(self):
        fake = FakeLibrary(gpm=True, mig=(11, 22))
        device = fake.device(self)
        whole, first, second, other = device.gpus()
        self.assertEqual(
            [(gpu["uuid"], gpu["index"]) for gpu in (whole, first, second, other)],
            [("GPU-0", 0), ("MIG-0", 0), ("MIG-1", 0), ("GPU-1", 1)],
        )
        self.assertEqual(second["mig"], {"parentUuid": "GPU-0", "gpuInstance": 2, "computeInstance": 0})
        self.assertNotIn("mig", whole)
        readings = Readings(device)
        self.assertEqual([readings.at(100, "memory", gpu)["memoryUsedBytes"] for gpu in range(4)], [300, 11, 22, 300])
        fake.metrics = {2: 50.0, 5: 1.0, 10: 2.0}
        for at in (100, 100.1):
            readings.at(at, "activity", 1)
        self.assertEqual(readings.at(100.2, "activity", 1)["smActivePercent"], 50)
        self.assertIn("nvmlGpmMigSampleGet", fake.calls)
        self.assertNotIn("nvmlGpmSampleGet", fake.calls)
        self.assertEqual(readings.at(100, "activity", 0), {}, "the counters of a divided GPU are its instances'")
        self.assertEqual(readings.at(100, "clocks", 1), {}, "an instance has no clock of its own")

    def test_processes_are_told_when_they_change_and_by_the_name_alone(self):
        fake = FakeLibrary()
        readings = self.readings(fake)
        fake.pids = [(os.getpid(), 4096), (2**31, (1 << 64) - 1)]
        with mock.patch("loadline_agent.processes.counts_as_host", return_value=True):
            (event,) = readings.events("processes")
            self.assertEqual(readings.events("processes"), [])
        ours, foreign = event["processes"]
        with open("/proc/self/comm") as file:
            self.assertEqual(ours["name"], file.read().strip())
        self.assertEqual((ours["own"], ours["memoryBytes"]), (True, 4096))
        self.assertEqual(foreign, {"pid": 2**31, "name": None, "memoryBytes": None, "user": None, "own": None})
        fake.pids = []
        self.assertEqual(readings.events("processes")[0]["processes"], [])

    def test_engines_of_a_run_are_told_from_what_else_the_user_runs(self):
        environment = {**os.environ, "LOADLINE_RUN": "20261125T160000Z-chat"}
        program = [sys.executable, "-c", "print(flush=True); input()"]
        with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as engine:
            engine.stdout.readline()  # The kernel shows a new program's environment a moment after it was started.
            fake = FakeLibrary()
            fake.pids = [(engine.pid, 1), (os.getpid(), 1)]
            with mock.patch("loadline_agent.processes.counts_as_host", return_value=True):
                (event,) = self.readings(fake).events("processes")
            engine.kill()
        self.assertEqual([one.get("run") for one in event["processes"]], ["20261125T160000Z-chat", None])

    def test_many_processes(self):
        fake = FakeLibrary()
        fake.pids = [(2**30 + number, 1) for number in range(300)]
        self.assertEqual(len(self.readings(fake).events("processes")[0]["processes"]), 300)

    def test_numbers_of_another_namespace_name_nobody(self):
        fake = FakeLibrary()
        fake.pids = [(os.getpid(), 4096)]
        with mock.patch("loadline_agent.processes.counts_as_host", return_value=False):
            (event,) = self.readings(fake).events("processes")
        self.assertEqual((event["processes"][0]["name"], event["processes"][0]["own"]), (None, None))

    def test_drivers_of_535_with_the_longer_record(self):
        fake = FakeLibrary()
        fake.nvmlDeviceGetConfComputeMemSizeInfo = lambda *_: 0
        fake.pids = [(5, 50), (6, 60)]
        event = self.readings(fake).events("processes")[0]
        self.assertEqual([(p["pid"], p["memoryBytes"]) for p in event["processes"]], [(5, 50), (6, 60)])

    def test_the_study_reads_utilisation_memory_and_pcie_as_the_paper_did(self):
        fake = FakeLibrary(gpm=True)
        readings = self.readings(fake, "study")
        self.assertEqual(
            [name for name, r in readings.by_name.items() if r.period == 0], ["memory", "utilization", "pcie"]
        )
        self.assertEqual(readings.at(100, "pcie"), {"pcieTxBytesPerSecond": 1642000, "pcieRxBytesPerSecond": 759000})
        many = FakeLibrary(gpus=8).device(self).readings(MODES["study"], 1 / 6)
        (pcie,) = [reading for reading in many if reading.name == "pcie"]
        self.assertGreater(pcie.period, 1 / 6)
        self.assertIn("take turns", pcie.source)

    def test_quiet_asks_for_nothing_that_takes_the_driver_long(self):
        fake = FakeLibrary(gpm=True)
        readings = self.readings(fake, "quiet")
        often = {name for name, reading in readings.by_name.items() if reading.period < 1}
        self.assertEqual(often, {"memory", "activity"})
        self.assertEqual(readings.by_name["energy"].period, math.inf)
        self.assertNotIn("utilization", readings.by_name)


class LadderTest(unittest.TestCase):
    def test_no_library_is_no_device_unless_it_was_asked_for(self):
        missing = mock.Mock(side_effect=library.DeviceUnavailable("libnvidia-ml.so.1 was not found"))
        with mock.patch.object(library, "load_library", missing), mock.patch.object(
            nvidia_smi.shutil, "which", return_value=None
        ):
            device = open_device({"kind": "auto"})
            self.assertEqual((device.source, device.rung), ("none", "none"))
            self.assertIn("libnvidia-ml.so.1 was not found; nvidia-smi: nvidia-smi is not in PATH", device.detail)
            with self.assertRaises(AgentError) as raised:
                open_device({"kind": "nvml"})
        self.assertEqual(raised.exception.code, "no-gpu")

    def test_a_driver_that_was_updated_under_its_library_is_said_with_the_remedy(self):
        fake = FakeLibrary()
        fake.refused["nvmlInit_v2"] = structs.LIB_RM_VERSION_MISMATCH
        with mock.patch.object(library, "load_library", fake.library), self.assertRaises(AgentError) as raised:
            open_device({"kind": "nvml"})
        self.assertIn("differ in version, as after an update: reboot", str(raised.exception))


class EnergyTest(unittest.TestCase):
    def test_it_is_within_a_percent_of_the_counter_of_a_real_gpu_under_a_load_that_comes_and_goes(self):
        with open(os.path.join(HERE, "..", "fixtures", "telemetry", "h200-power-poll.json")) as file:
            rows = json.load(file)["poll"]
        # From one step of the counter to another: it changes each 100 ms.
        steps = [row for row in range(1, len(rows)) if rows[row][3] != rows[row - 1][3]]
        integral = samples.EnergyIntegral()
        for seconds, _, instant_milliwatts, _ in rows[steps[0] : steps[-1] + 1]:
            integral.add(seconds, instant_milliwatts / 1000)
        counted = (rows[steps[-1]][3] - rows[steps[0]][3]) / 1000
        self.assertGreater(counted, 4000)
        self.assertAlmostEqual(integral.joules / counted, 1, delta=0.01)

    def test_a_trapezoid_between_two_samples_and_none_before_the_second(self):
        integral = samples.EnergyIntegral()
        self.assertIsNone(integral.joules)
        integral.add(10, 100)
        self.assertEqual(integral.joules, 0)
        integral.add(12, 300)
        self.assertEqual(integral.joules, 400)


if __name__ == "__main__":
    unittest.main()
