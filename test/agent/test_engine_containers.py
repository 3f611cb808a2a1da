"""docker and podman by a stand-in (fake_docker.py): what they are asked, and that nothing of them stays."""

import json
import os
import subprocess
import unittest

from support import ENDLESS, RUN, AgentTest, failure, failures, fake_cell, run_request


class ContainerTest(AgentTest):
    def setUp(self):
        super().setUp()
        self.state = os.path.join(self.folder, "docker-state")
        os.mkdir(self.state)
        self.environment["FAKE_DOCKER_STATE"] = self.state
        self.environment["HF_HOME"] = os.path.join(self.folder, "hub")
        for runtime in ("docker", "podman"):
            self.stand_in(runtime, "fake_docker.py")

    def cell(self, *options, runtime="docker", image="fake-engine", arguments=(), **changes):
        cell = fake_cell("a", environment={"HF_TOKEN": "hf_abcdef"}, **changes)
        # The entry point of the image is the engine itself.
        cell["engine"]["argv"] = list(options)
        cell["engine"]["container"] = {"runtime": runtime, "image": image, "arguments": list(arguments)}
        return cell

    def calls(self, verb):
        with open(os.path.join(self.state, "calls")) as file:
            return [words for words in map(json.loads, file) if words[0] == verb]

    def containers(self):
        return [name for name in os.listdir(self.state) if name.endswith(".json")]

    def end_all(self):
        for name in self.containers():
            with open(os.path.join(self.state, name)) as file:
                subprocess.run(["kill", "-KILL", str(json.load(file)["pid"])])
        super().end_all()

    def test_it_listens_on_loopback_takes_its_environment_by_name_and_is_stopped(self):
        model = os.path.join(self.folder, "model")
        os.mkdir(model)
        cell = self.cell("--models", json.dumps({"data": [{"id": "fake-model"}]}), arguments=["--shm-size", "16g"])
        cell["engine"]["argv"] += ["--print", model]
        records = self.run_to_end([cell], gpus=[1, 3], telemetry=False)
        self.assertEqual(failures(records), [])
        (words,) = self.calls("run")
        text = " ".join(words)
        self.assertIn("--network host", text)
        self.assertIn("--host 127.0.0.1", text)
        self.assertIn('--gpus "device=1,3"', text)
        self.assertIn(f"-v {self.environment['HF_HOME']}:/loadline/huggingface", text)
        self.assertIn(f"-v {model}:{model}:ro", text)
        self.assertIn("-e VLLM_API_KEY", text)
        self.assertIn("-e HF_TOKEN", text)
        self.assertNotIn("hf_abcdef", text)
        self.assertNotIn("CUDA_VISIBLE_DEVICES", text)
        self.assertNotIn("hf_abcdef", json.dumps(records))
        self.assertEqual(len(self.calls("stop")), 1)
        self.assertEqual(self.containers(), [])
        stopped = next(record for record in records if record["type"] == "engine-stopped")
        self.assertEqual(stopped["signal"], "SIGINT")

    def test_in_a_network_of_its_own_it_is_published_on_loopback_alone(self):
        records = self.run_to_end([self.cell(arguments=["--network", "bridge"])], telemetry=False)
        self.assertEqual(failures(records), [])
        (words,) = self.calls("run")
        published = words[words.index("-p") + 1]
        self.assertRegex(published, r"^127\.0\.0\.1:(\d+):\1$")
        self.assertIn("0.0.0.0", words)

    def test_in_the_hosts_network_said_by_the_plan_it_listens_on_loopback_alone(self):
        spellings = (
            ["--network", "host"],
            ["--network=host"],
            ["--net", "host"],
            ["--net=host"],
            ["--network", "name=host"],
            ["--network=name=host"],
        )
        for arguments, words in self.started_with(spellings):
            with self.subTest(arguments=arguments):
                self.assertEqual(words[words.index("--host") + 1], "127.0.0.1")
                self.assertNotIn("0.0.0.0", words)
                self.assertNotIn("-p", words)
                self.assertEqual(network_options(words), arguments[:1], "docker refuses a network that is named twice")

    def test_any_other_network_is_one_of_its_own_in_every_spelling(self):
        spellings = (
            ["--network=bridge"],
            ["--net", "bridge"],
            ["--net=bridge"],
            ["--network", "host-models"],
            ["--network", "name=models,alias=host"],
        )
        for arguments, words in self.started_with(spellings):
            with self.subTest(arguments=arguments):
                self.assertEqual(words[words.index("--host") + 1], "0.0.0.0")
                self.assertRegex(words[words.index("-p") + 1], r"^127\.0\.0\.1:(\d+):\1$")
                self.assertEqual(network_options(words), arguments[:1])

    def started_with(self, spellings):
        """(arguments of the plan, words of the runtime's `run`) of an engine each."""
        cells = [self.cell(arguments=arguments) for arguments in spellings]
        for index, cell in enumerate(cells):
            cell.update(id=f"c{index}", engineKey=f"k{index}")
        self.assertEqual(failures(self.run_to_end(cells, telemetry=False)), [])
        calls = self.calls("run")
        self.assertEqual(len(calls), len(spellings))
        return zip(spellings, calls)

    def test_metacharacters_newlines_and_option_like_values_are_words_of_the_engine_alone(self):
        canary = os.path.join(self.folder, "canary")
        hostile = [*(form.format(canary) for form in ("; touch {}", "$(touch {})", "`touch {}`\n--privileged")), "-v", "--rm"]
        cell = self.cell(*(f"--print={word}" for word in hostile), "--exit", "1")
        cell["engine"]["environment"]["A"] = f"$(touch {canary})\n--privileged"
        records = self.run_to_end([cell], telemetry=False)
        (words,) = self.calls("run")
        image = words.index("fake-engine")
        self.assertEqual(words[image + 1 :][: len(hostile)], [f"--print={word}" for word in hostile])
        self.assertEqual([word for word in words[:image] if canary in word or word == "--privileged"], [])
        with open(os.path.join(self.run_folder(), "engine-k1.log")) as file:
            self.assertIn("\n".join(hostile), file.read())
        self.assertFalse(os.path.exists(canary))
        self.assertEqual(failure(records)["kind"], "crashed")
        self.assertEqual(self.containers(), [])

    def test_podman_is_given_gpus_as_cdi_names_them(self):
        self.assertEqual(failures(self.run_to_end([self.cell(runtime="podman")], gpus=[2], telemetry=False)), [])
        (words,) = self.calls("run")
        self.assertIn("nvidia.com/gpu=2", words)
        self.assertNotIn("--init", words)

    def test_a_missing_image_is_said_with_what_to_do(self):
        said = failure(self.run_to_end([self.cell(image="vllm/vllm-openai:v0.26.0")], telemetry=False))
        self.assertEqual(said["kind"], "image-missing")
        self.assertIn("docker pull vllm/vllm-openai:v0.26.0", said["message"])
        self.assertEqual(self.calls("run"), [])

    def test_a_host_without_the_runtime_is_said(self):
        os.unlink(os.path.join(self.folder, "bin", "podman"))
        self.environment["PATH"] = os.path.join(self.folder, "bin") + os.pathsep + "/nonexistent"
        said = failure(self.run_to_end([self.cell(runtime="podman")], telemetry=False))
        self.assertEqual(said["kind"], "not-found")

    def test_what_dies_inside_is_read_from_its_log(self):
        says = ("--print", "ValueError: No available memory for the cache blocks.", "--exit", "1")
        said = failure(self.run_to_end([self.cell(*says)], telemetry=False))
        self.assertEqual((said["kind"], said["enginePhase"]), ("refused", "profile"))
        self.assertEqual(said["remedies"][0]["change"], "raise")

    def test_a_container_that_outlives_a_killed_worker_is_removed_by_its_label(self):
        self.start([self.cell(load=ENDLESS, deadline=300)], telemetry=False)
        follower = self.follow()
        follower.until("cell-started")
        self.assertEqual(len(self.containers()), 1)
        os.kill(self.processes()["worker"]["pid"], 9)
        self.assertEqual(follower.end()["state"], "interrupted")
        self.assertEqual(self.containers(), [])
        self.assert_nothing_left()

    def test_one_that_outlives_supervisor_and_worker_is_removed_by_cancel(self):
        self.start([self.cell(load=ENDLESS, deadline=300)], telemetry=False)
        follower = self.follow()
        follower.until("cell-started")
        self.kill_together("supervisor", "worker")
        follower.end()
        self.assertEqual(len(self.containers()), 1, "nobody is left who would end it")
        self.assertEqual(self.agent("cancel", {"run": RUN})[1], 0)
        self.assertEqual(self.containers(), [])

    def test_a_daemon_that_is_down_is_said_and_keeps_no_later_run_from_the_gpu(self):
        down = self.daemon_down()
        said = failure(self.run_to_end([self.cell()], telemetry=False, gpus=[0]))
        self.assertEqual(said["kind"], "container-runtime")
        self.assertEqual(failures(self.run_to_end([fake_cell("a")], telemetry=False, gpus=[0], run="plain")), [])
        os.unlink(down)
        self.assertEqual(failures(self.run_to_end([self.cell()], telemetry=False, gpus=[0], run="container")), [])
        self.daemon_down()
        self.assertEqual(failures(self.run_to_end([fake_cell("a")], telemetry=False, gpus=[0], run="again")), [])

    def test_a_container_that_may_be_there_keeps_its_gpu_until_the_daemon_can_be_asked(self):
        self.start([self.cell(load=ENDLESS, deadline=300)], telemetry=False, gpus=[0])
        follower = self.follow()
        follower.until("cell-started")
        for name in ("supervisor", "worker"):
            os.kill(self.processes()[name]["pid"], 9)
        follower.end()
        down = self.daemon_down()
        request = run_request([fake_cell("a")], telemetry=False, gpus=[0], run="plain")
        (refused,), status = self.agent("run", request)
        self.assertEqual((status, refused["code"]), (1, "leftovers"))
        self.assertIn("start its daemon", refused["message"])
        os.unlink(down)
        self.assertEqual(failures(self.run_to_end([fake_cell("a")], telemetry=False, gpus=[0], run="plain")), [])
        self.assertEqual(self.containers(), [])

    def daemon_down(self):
        path = os.path.join(self.state, "down")
        with open(path, "w"):
            return path


def network_options(words):
    return [word for word in words if word.partition("=")[0] in ("--network", "--net")]


if __name__ == "__main__":
    unittest.main()
