"""Ways in which an engine is there: by any command, running already, several on one GPU. In a container: test_engine_containers.py."""

import json
import os
import stat
import sys
import threading
import unittest

import fake_engine
from support import (
    ENDLESS,
    FAKE_ENGINE,
    RUN,
    AgentTest,
    failure,
    failures,
    fake_cell,
    load_profile,
    ready,
    warnings,
)

class PlainEngineTest(AgentTest):
    def test_three_steps_are_taken_and_timed_and_the_command_is_as_planned(self):
        records = self.run_to_end([fake_cell("a")], telemetry=False)
        (instance,) = ready(records)["instances"]
        steps = instance["steps"]
        self.assertLessEqual(steps["processSeconds"], steps["healthSeconds"])
        self.assertLessEqual(steps["healthSeconds"], steps["firstAnswerSeconds"])
        self.assertLessEqual(steps["firstAnswerSeconds"], ready(records)["startupSeconds"])
        self.assertEqual((instance["index"], instance["version"], instance["log"]), (0, "0.0.fake", "engine-k1.log"))
        self.assertEqual(warnings(records), [])
        self.assertIn("vLLM 0.26.0", ready(records)["support"]["verified"])

    def test_a_wrapper_that_changes_the_arguments_is_said(self):
        code = "import os,sys;os.execv(sys.executable,[sys.executable,*sys.argv[1:],'--token-ms','2'])"
        cell = fake_cell("a", argv=[sys.executable, "-c", code, FAKE_ENGINE])
        (said,) = warnings(self.run_to_end([cell], telemetry=False))
        self.assertIn("another command line than the plan's", said)
        self.assertIn("--token-ms 2", said)

    def test_an_engine_without_a_tokenizer_is_asked_by_token_ids(self):
        records = self.run_to_end([fake_cell("a", "--ids-only")], telemetry=False)
        requests = next(record for record in records if record["type"] == "trial-measured")["measurement"]["requests"]
        self.assertEqual((requests["failure"], requests["chunks"]), ([None] * 8, [4] * 8), "its tokens are ids alone")

    def test_a_load_of_text_asks_by_text(self):
        load = {**load_profile(), "prompt": "text"}
        said = failure(self.run_to_end([fake_cell("a", "--ids-only", load=load)], telemetry=False))
        self.assertEqual((said["kind"], said["phase"]), ("refused", "ready"))
        self.assertIn("no tokenizer", said["message"])

    def test_an_engine_that_takes_no_key_is_started_without_one_and_said_to_be_unverified(self):
        cell = fake_cell("a", "--open", model="other")
        cell["engine"]["name"] = "trtllm"
        records = self.run_to_end([cell], telemetry=False)
        self.assertEqual(failures(records), [])
        self.assertIsNone(ready(records)["support"]["verified"])
        self.assertIn("TensorRT-LLM", ready(records)["support"]["documentation"])
        named, unverified = warnings(records)
        self.assertIn("calls the model fake-model", named)
        self.assertIn("TensorRT-LLM is unverified", unverified)

    def test_what_an_engine_refuses_it_is_not_asked_and_its_own_end_of_a_stream_counts(self):
        load = {**load_profile(), "prompt": "text"}
        cell = fake_cell("a", "--open", "--as-transformers", load=load)
        cell["engine"]["name"] = "transformers"
        records = self.run_to_end([cell], telemetry=False)
        self.assertEqual(failures(records), [])
        requests = next(record for record in records if record["type"] == "trial-measured")["measurement"]["requests"]
        self.assertEqual(requests["failure"], [None] * 8)
        # Of another engine the same stream is a failure.
        cell = fake_cell("a", "--open", "--as-transformers", load=load)
        cell["engine"]["name"] = "trtllm"
        said = failure(self.run_to_end([cell], telemetry=False, run="second"))
        self.assertIn("without [DONE]", said["message"])

    def test_a_first_request_that_fails_is_explained_by_the_log(self):
        says = ("--print", "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.96 GiB.")
        load = {**load_profile(), "prompt": "text"}
        said = failure(self.run_to_end([fake_cell("a", "--ids-only", *says, load=load)], telemetry=False))
        self.assertEqual((said["kind"], said["phase"]), ("out-of-memory", "ready"))
        self.assertIn("no tokenizer", said["message"])
        self.assertIn("lower gpu-memory-utilization", said["message"])

    def test_any_command_is_told_its_address_and_asked_at_its_own_health_path(self):
        argv = [sys.executable, FAKE_ENGINE, "--host", "{host}", "--port", "{port}"]
        cell = fake_cell("a", argv=[*argv, "--key-variable", "LOADLINE_ENGINE_API_KEY"])
        cell["engine"].update(name="command", healthPath="/version")
        records = self.run_to_end([cell], telemetry=False)
        self.assertEqual(failures(records), [])
        self.assertNotIn("{port}", ready(records)["instances"][0]["log"])

    def test_a_cell_that_takes_too_long_is_ended_and_said(self):
        cell = fake_cell("a", "--token-ms", "50", load=ENDLESS, deadline=1)
        said = failure(self.run_to_end([cell, fake_cell("b")], telemetry=False))
        self.assertEqual(said["kind"], "timeout")
        self.assertIn("1 s were expected, 1 s allowed", said["message"])


class SecretTest(AgentTest):
    def test_the_engines_key_is_in_no_file_and_no_argument(self):
        self.start([fake_cell("a", load=ENDLESS), fake_cell("b", key="k2")], telemetry=True)
        follower = self.follow()
        follower.until("cell-progress")
        (engine,) = [pid for pid in self.engines() if b"fake_engine" in cmdline(pid)]
        with open(f"/proc/{engine}/environ", "rb") as file:
            variables = dict(word.partition(b"=")[::2] for word in file.read().split(b"\0"))
        key = variables[b"VLLM_API_KEY"]
        self.assertRegex(key, rb"^[0-9a-f]{32}$")
        for pid in filter(str.isdigit, os.listdir("/proc")):
            self.assertNotIn(key, cmdline(pid))
        engines = set(self.engines())
        for pid in set(self.agents()) - engines:
            self.assertNotIn(key, read_or_gone(f"/proc/{pid}/environ"), "it is in the environment of the engine alone")
        self.assertEqual(self.agent("cancel", {"run": RUN})[1], 0)
        for folder, _, names in os.walk(self.home):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    self.assertNotIn(key, file.read(), name)


class EndpointTest(AgentTest):
    """An engine that the test runs itself."""

    def setUp(self):
        super().setUp()
        os.environ["ENDPOINT_KEY"] = "sk-endpoint-1"
        self.addCleanup(os.environ.pop, "ENDPOINT_KEY")
        self.url = self.serve()
        self.key_file = os.path.join(self.folder, "key")
        with open(self.key_file, "w") as file:
            file.write("sk-endpoint-1\n")

    def serve(self, *more, **methods):
        """The URL of an engine with these options."""
        options = fake_engine.options_of(["--host", "127.0.0.1", "--key-variable", "ENDPOINT_KEY", *more])
        handler = type("Handler", (fake_engine.Handler,), {"options": options, **methods})
        server = fake_engine.Server(("127.0.0.1", 0), handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return f"http://127.0.0.1:{server.server_address[1]}/v1"

    def cell(self, name="a", **changes):
        cell = fake_cell(name, key=f"engine-{name}")
        cell["engine"] = {
            "kind": "endpoint",
            "name": "vllm",
            "url": self.url,
            "apiKeyFile": self.key_file,
            "modelName": "fake-model",
            "readyTimeoutSeconds": 20,
            **changes,
        }
        return cell

    def test_it_is_measured_and_neither_started_nor_stopped(self):
        records = self.run_to_end([self.cell()], telemetry=False)
        kinds = {record["type"] for record in records}
        self.assertIn("trial-measured", kinds)
        self.assertNotIn("engine-stopped", kinds)
        self.assertIsNone(ready(records)["instances"][0]["pid"])
        self.assertEqual(ready(records)["version"], "0.0.fake")
        for folder, _, names in os.walk(self.home):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    self.assertNotIn(b"sk-endpoint-1", file.read(), name)

    def test_a_wrong_key_and_a_missing_key_file_are_said(self):
        with open(self.key_file, "w") as file:
            file.write("sk-other\n")
        said = failure(self.run_to_end([self.cell()], telemetry=False))
        self.assertIn(f"asks for another API key than it was given (401). It was given that of {self.key_file}.", said["message"])
        said = failure(self.run_to_end([self.cell(apiKeyFile=None)], telemetry=False, run="without"))
        self.assertIn("name its file on the host as engine.launch.apiKeyFile", said["message"])
        said = failure(self.run_to_end([self.cell(apiKeyFile="~/no-such-key")], telemetry=False, run="second"))
        self.assertEqual(said["kind"], "key-file")

    def test_one_where_nothing_answers_is_said_as_that(self):
        cells = [
            self.cell("nobody", url="http://127.0.0.1:9", readyTimeoutSeconds=0.5),
            self.cell("waking", url=self.serve("--never-ready"), readyTimeoutSeconds=0.5),
        ]
        nobody, waking = failures(self.run_to_end(cells, telemetry=False))
        self.assertEqual((nobody["kind"], nobody.get("enginePhase")), ("unreachable", None))
        self.assertIn(f"Nothing answered at {cells[0]['engine']['url']} within 0.5 s", nobody["message"])
        self.assertEqual(waking["kind"], "timeout")
        self.assertNotIn("log", waking["message"])

    def test_one_behind_a_gateway_without_a_health_route_is_measured(self):
        def without_health(handler):
            handler.answer(404, {}) if handler.path == "/health" else fake_engine.Handler.do_GET(handler)

        cell = self.cell(url=self.serve(do_GET=without_health))
        self.assertIn("trial-measured", {record["type"] for record in self.run_to_end([cell], telemetry=False)})

    def test_one_that_lists_no_models_fails_its_cell_and_the_next_one_goes_on(self):
        odd = ('{"data": null}', '{"data": ["fake-model"]}', '{"data": 3}', "[]", "[" * 5000 + "]" * 5000)
        cells = [
            self.cell(f"odd-{at}", url=self.serve("--models", text), readyTimeoutSeconds=0.5)
            for at, text in enumerate(odd)
        ]
        records = self.run_to_end([*cells, self.cell("good")], telemetry=False)
        self.assertEqual(
            [(failed["cell"], failed["kind"], failed["phase"]) for failed in failures(records)],
            [(cell["id"], "timeout", "ready") for cell in cells],
        )
        self.assertEqual([record["cell"] for record in records if record["type"] == "cell-done"], ["good"])


class CopiesTest(AgentTest):
    def cell(self, *options, sharing="time-slicing", mps=None, copies=2, **changes):
        cell = fake_cell("a", *options, **changes)
        cell.update(copies=copies, sharing=sharing)
        if mps is not None:
            cell["mps"] = mps
        return cell

    def test_copies_are_started_one_after_another_each_with_a_log_a_port_and_a_key(self):
        records = self.run_to_end([self.cell(load=load_profile(requests=8, concurrency=4))], telemetry=False)
        self.assertEqual(failures(records), [])
        instances = ready(records)["instances"]
        self.assertEqual([instance["log"] for instance in instances], ["engine-k1-0.log", "engine-k1-1.log"])
        self.assertEqual(len({instance["pid"] for instance in instances}), 2)
        self.assertEqual(len([record for record in records if record["type"] == "engine-stopped"]), 1)
        measured = next(record for record in records if record["type"] == "trial-measured")["measurement"]
        # Four users, two a copy, each with the next request when it is free: how many that makes is the copies' pace.
        asked = [measured["requests"]["engine"].count(copy) for copy in (0, 1)]
        self.assertEqual(sum(asked), 8)
        self.assertGreaterEqual(min(asked), 2, "each copy gets its share")
        self.assertEqual(measured["requests"]["failure"], [None] * 8)

    def test_the_copy_that_fails_is_named_and_the_other_is_ended(self):
        flag = os.path.join(self.folder, "second")
        code = f"""
import os, runpy, sys
if os.path.exists({flag!r}):
    print("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.", flush=True)
    raise SystemExit(1)
open({flag!r}, "w").close()
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
        said = failure(
            self.run_to_end([self.cell(argv=[sys.executable, "-c", code, FAKE_ENGINE])], telemetry=False)
        )
        self.assertEqual((said["kind"], said["instance"]), ("out-of-memory", 1))

    def test_mps_is_started_for_them_alone_and_ended(self):
        self.stand_in("nvidia-cuda-mps-control", "fake_mps_control.py")
        mps = {"memoryLimitBytes": 20 << 30, "threadPercentage": 50}
        # The agents of a home this deep have their pipes elsewhere: a socket's path is short.
        self.start([self.cell(sharing="mps", mps=mps, load=ENDLESS, deadline=300)], gpus=[2], telemetry=False)
        follower = self.follow()
        follower.until("cell-started")
        engines = [pid for pid in self.engines() if b"fake_engine" in cmdline(pid)]
        self.assertEqual(len(engines), 2)
        directory = self.processes()["mps"]["directory"]
        self.assertEqual(stat.S_IMODE(os.stat(directory).st_mode), 0o700)
        for pid in engines:
            variables = environment_of(pid)
            self.assertEqual(variables["CUDA_MPS_PIPE_DIRECTORY"], f"{directory}/pipe")
            self.assertLess(len(f"{directory}/pipe/nvidia-cuda-mps-control.pid"), 108)
            self.assertEqual(variables["CUDA_MPS_PINNED_DEVICE_MEM_LIMIT"], "0=20480M")
            self.assertEqual(variables["CUDA_MPS_ACTIVE_THREAD_PERCENTAGE"], "50")
            self.assertEqual(variables["CUDA_VISIBLE_DEVICES"], "0")
        with open(f"{directory}/log/control.log") as file:
            self.assertEqual(file.read(), "Started for 2\n")
        self.assertEqual(self.agent("cancel", {"run": RUN})[1], 0)
        self.assertEqual(follower.end()["state"], "finished")
        self.assert_nothing_left()
        self.assertFalse(os.path.exists(f"{directory}/pipe"))
        self.assertEqual(warnings(self.assert_journal_sound()), [])

    def test_nothing_of_mps_outlives_a_killed_worker(self):
        self.stand_in("nvidia-cuda-mps-control", "fake_mps_control.py")
        self.start([self.cell(sharing="mps", load=ENDLESS, deadline=300)], gpus=[0], telemetry=False)
        follower = self.follow()
        follower.until("cell-started")
        directory = self.processes()["mps"]["directory"]
        os.kill(self.processes()["worker"]["pid"], 9)
        follower.end()
        self.assert_nothing_left()
        self.assertFalse(os.path.exists(f"{directory}/pipe"))

    def test_pipes_of_a_run_folder_that_lies_too_deep_stand_elsewhere_and_are_removed(self):
        self.stand_in("nvidia-cuda-mps-control", "fake_mps_control.py")
        self.home = os.path.join(self.folder, "a-folder-of-forty-characters-" * 3, "loadline")
        os.makedirs(os.path.dirname(self.home))
        self.environment["LOADLINE_HOME"] = self.home
        self.start([self.cell(sharing="mps", load=ENDLESS, deadline=300)], gpus=[0], telemetry=False)
        self.follow().until("cell-started")
        directory = self.processes()["mps"]["directory"]
        self.assertFalse(directory.startswith(self.folder))
        self.assertEqual(stat.S_IMODE(os.stat(directory).st_mode), 0o700)
        self.assertEqual(self.agent("cancel", {"run": RUN})[1], 0)
        self.assertFalse(os.path.exists(directory))

    def test_a_host_without_mps_and_a_daemon_that_refuses_are_said(self):
        said = failure(self.run_to_end([self.cell(sharing="mps")], telemetry=False, gpus=[0]))
        self.assertEqual(said["kind"], "not-found")
        self.assertIn("time-slicing", said["message"])
        self.stand_in("nvidia-cuda-mps-control", "fake_mps_control.py")
        self.environment["FAKE_MPS_REFUSES"] = "1"
        said = failure(self.run_to_end([self.cell(sharing="mps")], telemetry=False, gpus=[0], run="second"))
        self.assertEqual(said["kind"], "mps")


def cmdline(pid):
    return read_or_gone(f"/proc/{pid}/cmdline")


def read_or_gone(path):
    """Processes of others come and go while a test looks."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def environment_of(pid):
    with open(f"/proc/{pid}/environ", "rb") as file:
        words = file.read().decode().split("\0")
    return dict(word.partition("=")[::2] for word in words)


if __name__ == "__main__":
    unittest.main()
