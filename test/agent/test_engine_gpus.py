"""What stands around an engine on its GPUs: processes of others, memory that has to come back, and the engine's own metrics."""

import json
import os
import unittest

from loadline_agent.runs.gpu_state import GpuState
from loadline_agent.runs.settle import TOLERANCE_BYTES, used
from support import (
    ENDLESS,
    RUN,
    AgentTest,
    failure,
    failures,
    fake_cell,
    run_request,
    warnings,
)

UUIDS = ("GPU-4ce3e338-c042-64d5-f59e-2dc4970c4864", "GPU-1ca6d50e-73bd-0dc1-9ce8-0be2a804bec6")

PREEMPTING = "vllm:num_requests_running 1\nvllm:num_preemptions_total {preempted}\nvllm:kv_cache_usage_perc 0.5\n"


class GpuTest(AgentTest):
    """Two GPUs by a stand-in for nvidia-smi, which a test fills and empties."""

    def setUp(self):
        super().setUp()
        self.stand_in("nvidia-smi", "fake_gpu_smi.py")
        self.environment["LOADLINE_DEVICE"] = "nvidia-smi"
        self.environment["FAKE_GPU_STATE"] = os.path.join(self.folder, "gpus.json")
        self.gpus()

    def gpus(self, used_mib=(0, 0), processes=(), falls=0):
        path = self.environment["FAKE_GPU_STATE"]
        with open(f"{path}.part", "w") as file:
            json.dump({"usedMiB": list(used_mib), "processes": list(processes), "falls": falls}, file)
        os.rename(f"{path}.part", path)


class ForeignTest(GpuTest):
    def test_a_run_on_gpus_where_others_compute_is_refused_and_its_name_stays_free(self):
        self.gpus(processes=[(UUIDS[1], os.getpid(), "/usr/bin/python3", 23962)])
        records, status = self.agent("run", run_request([fake_cell("a")], gpus=[0, 1], telemetry=False))
        self.assertEqual((records[0]["code"], status), ("gpu-busy", 1))
        self.assertIn(f"GPU 1: process {os.getpid()}", records[0]["message"])
        self.assertIn("python", records[0]["message"])
        self.assertIn("23.4 GiB", records[0]["message"])
        self.assertFalse(os.path.exists(self.run_folder()))

    def test_those_on_other_gpus_do_not_count(self):
        self.gpus(processes=[(UUIDS[1], os.getpid(), "python3", 23962)])
        records = self.run_to_end([fake_cell("a")], gpus=[0], telemetry=False)
        self.assertEqual(failures(records), [])

    def test_those_that_are_allowed_are_a_warning(self):
        self.gpus(processes=[(UUIDS[0], os.getpid(), "python3", 100)])
        request = run_request([fake_cell("a"), fake_cell("b", key="k2")], gpus=[0], telemetry=False)
        request["allowForeignProcesses"] = True
        self.assertEqual(self.agent("run", request)[1], 0)
        self.follow().end()
        records = self.assert_journal_sound()
        self.assertEqual(failures(records), [])
        (said,) = warnings(records)
        self.assertIn("Other processes compute on the GPUs", said)

    def test_one_that_comes_during_the_run_fails_the_next_start_and_not_the_run(self):
        self.start([fake_cell("a", *self.hold()), fake_cell("b", key="k2")], gpus=[0], telemetry=False)
        follower = self.follow()
        follower.until("cell-started")
        self.gpus(processes=[(UUIDS[0], os.getpid(), "python3", 100)])
        self.release()
        follower.end()
        records = self.assert_journal_sound()
        self.assertEqual((failure(records)["cell"], failure(records)["kind"]), ("b", "gpu-busy"))
        self.assertEqual(records[-1]["outcome"], "completed")


class SettleTest(GpuTest):
    def test_memory_that_comes_back_is_waited_for_and_written_down(self):
        self.start([fake_cell("a", *self.hold()), fake_cell("b", key="k2")], gpus=[0, 1], telemetry=False)
        follower = self.follow()
        follower.until("cell-progress", cell="a")
        # The driver frees 400 MiB between two looks; 256 MiB too much do not matter.
        self.gpus(used_mib=(1000, 0), falls=400)
        self.release()
        settled = follower.until("memory-settled", engineKey="k1")
        self.gpus()
        follower.end()
        self.assertLessEqual(settled["usedBytes"][0], TOLERANCE_BYTES)
        self.assertGreater(settled["seconds"], 0.5)
        done = [record["cell"] for record in self.assert_journal_sound() if record["type"] == "cell-done"]
        self.assertEqual(done, ["a", "b"])

    def test_what_a_driver_does_not_say_is_not_waited_for(self):
        self.assertIsNone(used(None))
        self.assertIsNone(used([GpuState(0, 5, None), GpuState(1, None, None)]))
        self.assertEqual(used([GpuState(0, 5, None)]), [5])


class MetricsTest(AgentTest):
    def test_they_are_written_in_the_words_of_every_engine_and_preemptions_are_said(self):
        records = self.run_to_end([fake_cell("a", "--metrics", PREEMPTING)])
        with open(os.path.join(self.run_folder(), "metrics.jsonl")) as file:
            header, *lines = map(json.loads, file)
        self.assertEqual((header["type"], header["schema"]), ("metrics-header", 1))
        self.assertTrue(lines)
        self.assertEqual((lines[0]["engineKey"], lines[0]["instance"], lines[0]["running"]), ("k1", 0, 1))
        self.assertEqual((lines[0]["kvUsage"], lines[0]["waiting"]), (0.5, None))
        (said,) = [message for message in warnings(records) if "KV-bound" in message]
        self.assertIn("preempted 10 requests at cell a", said)

    def test_an_engine_without_metrics_leaves_a_file_without_records(self):
        self.assertEqual(warnings(self.run_to_end([fake_cell("a")])), [])
        with open(os.path.join(self.run_folder(), "metrics.jsonl")) as file:
            self.assertEqual(len(file.readlines()), 1)

    def test_without_telemetry_nothing_is_scraped(self):
        self.run_to_end([fake_cell("a", "--metrics", PREEMPTING)], telemetry=False)
        self.assertFalse(os.path.exists(os.path.join(self.run_folder(), "metrics.jsonl")))

    def test_the_scraper_ends_with_a_killed_worker(self):
        self.start([fake_cell("a", "--metrics", PREEMPTING, load=ENDLESS)])
        follower = self.follow()
        follower.until("cell-started")
        os.kill(self.processes()["worker"]["pid"], 9)
        follower.end()
        self.assert_nothing_left()

    def test_followers_get_them(self):
        self.start([fake_cell("a", "--metrics", PREEMPTING)])
        follower = self.follow(RUN)
        follower.end()
        self.assertIn(b"engine-metrics", follower.files["metrics.jsonl"])


if __name__ == "__main__":
    unittest.main()
