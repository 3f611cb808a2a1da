"""What a probe finds, each part by itself, and that one that fails or hangs takes nothing from the others."""

import json
import os
import stat
import threading
import unittest
from unittest import mock

from fake_nvml import FakeLibrary
from loadline_agent.devices.nvml import library, structs
from loadline_agent.probe import containers, models, programs, slurm
from loadline_agent.probe.gpus import cuda_view, gpu_facts
from loadline_agent.probe.parts import Part, PartFailed, find_all
from support import AgentTest

HERE = os.path.dirname(os.path.abspath(__file__))
RECORDED_PROBE = os.path.join(HERE, "..", "fixtures", "telemetry", "h200-probe-2026-11-23.json")


class ProbeVerbTest(AgentTest):
    def program(self, name, script="exit 1"):
        """An executable in the test's own PATH; returns what to put into the environment."""
        folder = os.path.join(self.folder, "bin")
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, name)
        with open(path, "w") as file:
            file.write(f"#!/bin/sh\n{script}\n")
        os.chmod(path, 0o755)
        return {"PATH": folder + os.pathsep + os.environ["PATH"], "HOME": self.folder}

    def probe(self, **environment):
        (record,), status = self.agent("probe", environment=environment)
        self.assertEqual(status, 0)
        return record

    def test_a_recorded_device(self):
        record = self.probe(LOADLINE_DEVICE="recorded:h200-2026-11-static-batch")
        self.assertEqual(record["gpuSource"], "recorded:h200-2026-11-static-batch")
        self.assertEqual(
            (record["gpus"][0]["name"], record["driver"], record["cuda"]), ("NVIDIA H200", "580.159.04", "13.0")
        )

    def test_no_gpu_is_no_failure_and_says_what_was_tried(self):
        record = self.probe(LOADLINE_DEVICE="")
        if record["gpuSource"] == "none":
            self.assertIn("nvidia-smi", record["gpuDetail"])
            self.assertNotIn("gpus", [problem["part"] for problem in record["problems"]])

    def test_an_engine_in_path_and_its_version_without_starting_it(self):
        prefix = os.path.join(self.folder, "venv")
        os.makedirs(os.path.join(prefix, "lib", "python3.12", "site-packages", "vllm-0.26.0.dist-info"))
        os.makedirs(os.path.join(prefix, "bin"))
        command = os.path.join(prefix, "bin", "vllm")
        with open(command, "w") as file:
            file.write("#!/bin/sh\nexit 1\n")
        os.chmod(command, 0o755)
        record = self.probe(PATH=os.path.dirname(command) + os.pathsep + os.environ["PATH"])
        self.assertIn({"name": "vllm", "version": "0.26.0", "path": command, "foundIn": "path"}, record["engines"])

    def test_engines_in_virtual_environments_and_conda_each_once(self):
        def environment(name, packages, commands=()):
            prefix = os.path.join(self.folder, name)
            os.makedirs(os.path.join(prefix, "bin"))
            for program in ("python3", *commands):
                path = os.path.join(prefix, "bin", program)
                with open(path, "w"):
                    os.chmod(path, 0o755)
            for package in packages:
                os.makedirs(os.path.join(prefix, "lib/python3.11/site-packages", package))

        environment("vllm-venv", ["vllm-0.27.0.dist-info"], ["vllm"])
        environment("work/.venv", ["sglang-0.6.1.dist-info", "guidellm-0.8.1.dist-info"], ["guidellm"])
        environment("miniconda3/envs/serve", ["vllm-0.20.0.dist-info"], ["vllm"])
        os.symlink(os.path.join(self.folder, "vllm-venv"), os.path.join(self.folder, "venv-link"))
        record = self.probe(HOME=self.folder)
        found = {(e["name"], e["version"], e["foundIn"], e["path"]) for e in record["engines"]}
        expected = {
            ("vllm", "0.27.0", "venv", os.path.join(self.folder, "venv-link/bin/vllm")),
            ("vllm", "0.20.0", "conda", os.path.join(self.folder, "miniconda3/envs/serve/bin/vllm")),
            ("sglang", "0.6.1", "python", os.path.join(self.folder, "work/.venv/bin/python3")),
        }
        self.assertLessEqual(expected, found)
        self.assertEqual(len([e for e in record["engines"] if e["version"] == "0.27.0"]), 1)
        self.assertIn("guidellm", [tool["name"] for tool in record["benchmarkTools"]])

    def test_a_program_tells_its_version_and_sees_no_gpu_meanwhile(self):
        environment = self.program("llama-server", 'echo "version: 6710 (abc) on [$CUDA_VISIBLE_DEVICES]" >&2')
        record = self.probe(**environment)
        (engine,) = [engine for engine in record["engines"] if engine["name"] == "llama.cpp"]
        self.assertEqual(engine["version"], "6710")

    def test_images_partitions_and_models(self):
        self.program("docker", r"printf 'vllm/vllm-openai:v0.27.0\t32GB\nubuntu:24.04\t78MB\n'")
        environment = self.program(
            "sinfo",
            r'[ "$1" = --version ] && echo "slurm 23.11.4" || printf "gpu*|up|1-00:00:00|4|gpu:h100:8\ncpu|down|infinite|2|(null)\n"',
        )
        blobs = os.path.join(self.folder, "hub", "models--meta-llama--Llama-3.1-8B", "blobs")
        os.makedirs(blobs)
        with open(os.path.join(blobs, "abc"), "wb") as file:
            file.write(bytes(1234))
        record = self.probe(**environment, HF_HUB_CACHE=os.path.join(self.folder, "hub"))
        self.assertIn(
            {"engine": "vllm", "runtime": "docker", "image": "vllm/vllm-openai:v0.27.0", "sizeText": "32GB"},
            record["containerImages"],
        )
        self.assertEqual(record["slurm"]["version"], "23.11.4")
        self.assertEqual(
            [(p["name"], p["isDefault"], p["state"], p["nodes"], p["gres"]) for p in record["slurm"]["partitions"]],
            [("gpu", True, "up", 4, "gpu:h100:8"), ("cpu", False, "down", 2, None)],
        )
        self.assertEqual(
            [(model["id"], model["sizeBytes"]) for model in record["models"]], [("meta-llama/Llama-3.1-8B", 1234)]
        )

    def test_a_part_that_fails_is_said_and_the_others_stand(self):
        self.program("docker", 'echo "permission denied while trying to connect to the socket" >&2; exit 1')
        self.program("podman", "exit 1")
        environment = self.program("sinfo", 'echo "slurm_load_partitions: Unable to contact controller" >&2; exit 1')
        record = self.probe(**environment)
        said = {problem["part"]: problem["message"] for problem in record["problems"]}
        self.assertIn("permission denied", said["containers"])
        self.assertIn("Unable to contact controller", said["slurm"])
        self.assertNotIn("slurm", record)
        self.assertEqual(record["models"], [])

    def test_nothing_is_written_to_the_host(self):
        self.probe(HOME=self.folder)
        self.assertEqual(os.listdir(self.folder), [])


class PartsTest(unittest.TestCase):
    def test_one_that_hangs_is_left_behind_in_its_time(self):
        never = threading.Event()
        self.addCleanup(never.set)
        fields, problems = find_all(
            [
                Part("gpus", 0.05, lambda: {"gpus": never.wait()}),
                Part("disks", 5, lambda: {"disks": []}),
                Part("models", 5, lambda: {"models": 1 // 0}),
            ]
        )
        self.assertEqual(fields, {"disks": []})
        self.assertEqual(
            problems,
            [
                {"part": "gpus", "message": "not known after 0.05 s"},
                {"part": "models", "message": "ZeroDivisionError: integer division or modulo by zero"},
            ],
        )

    def test_a_line_of_slurm_that_is_not_understood_is_a_failure(self):
        with self.assertRaises(PartFailed):
            slurm.partitions("gpu*|up|1-00:00:00\n")

    def test_images_of_no_engine_are_left_out(self):
        self.assertEqual(containers.image_of("docker", "ubuntu:24.04\t78MB"), {})
        self.assertEqual(containers.image_of("podman", "nvcr.io/nvidia/tritonserver:25.01\t9GB")["engine"], "triton")

    def test_where_the_hub_keeps_models(self):
        with mock.patch.dict(os.environ, {"HF_HOME": "/data/hf"}, clear=True):
            self.assertEqual(models.hub_cache(), "/data/hf/hub")

    def test_versions_in_what_programs_print(self):
        for text, version in (("version: 4567 (abcdef)", "4567"), ("text-generation-launcher 3.3.1", "3.3.1")):
            self.assertEqual(programs.VERSION.search(text).group(1), version)


def gpu(index, name="NVIDIA H200", used=0, capability="9.0", mig=None):
    found = {
        "index": index,
        "uuid": f"GPU-{index}a" if mig is None else f"MIG-{mig}",
        "name": name,
        "memoryTotalBytes": 150754820096,
        "memoryUsedBytes": used,
        "memoryReservedBytes": 644939776,
        "computeCapability": capability,
    }
    if mig is not None:
        found["mig"] = {"parentUuid": f"GPU-{index}a", "gpuInstance": mig, "computeInstance": 0}
    return found


class CudaViewTest(unittest.TestCase):
    def seen(self, gpus, **environment):
        return [device["uuid"] for device in cuda_view(gpus, environment)["devices"]]

    def test_the_total_is_what_cuda_printed_on_the_recorded_gpu(self):
        (device,) = cuda_view([gpu(0, used=2**30)], {})["devices"]
        self.assertEqual(round(device["totalBytes"] / 2**30, 2), 139.8)
        self.assertEqual(device["totalBytes"] - device["freeBytes"], 2**30)

    def test_no_reserved_figure_is_no_total(self):
        (device,) = cuda_view([{**gpu(0), "memoryReservedBytes": None}], {})["devices"]
        self.assertEqual((device["totalBytes"], device["freeBytes"]), (None, None))

    def test_the_variable_chooses_and_orders_and_ends_at_what_is_wrong(self):
        gpus = [gpu(index) for index in range(4)]
        self.assertEqual(self.seen(gpus), ["GPU-0a", "GPU-1a", "GPU-2a", "GPU-3a"])
        self.assertEqual(self.seen(gpus, CUDA_VISIBLE_DEVICES="2,0"), ["GPU-2a", "GPU-0a"])
        self.assertEqual(self.seen(gpus, CUDA_VISIBLE_DEVICES="1,9,0"), ["GPU-1a"])
        self.assertEqual(self.seen(gpus, CUDA_VISIBLE_DEVICES="GPU-3, GPU-1a"), ["GPU-3a", "GPU-1a"])
        self.assertEqual(self.seen(gpus, CUDA_VISIBLE_DEVICES="GPU-"), [], "a word that several begin with")
        self.assertEqual(self.seen(gpus, CUDA_VISIBLE_DEVICES=""), [])
        self.assertEqual(self.seen(gpus, CUDA_VISIBLE_DEVICES="-1"), [])

    def test_a_divided_gpu_is_seen_by_one_instance(self):
        gpus = [gpu(0), gpu(0, mig=1), gpu(0, mig=2)]
        self.assertEqual(self.seen(gpus), ["MIG-1"])
        self.assertEqual(self.seen(gpus, CUDA_VISIBLE_DEVICES="MIG-2,MIG-1"), ["MIG-2"])

    def test_an_order_that_is_a_guess_is_said_to_be_one(self):
        mixed = [gpu(0, "NVIDIA T4", capability="7.5"), gpu(1)]
        view = cuda_view(mixed, {})
        self.assertEqual([device["uuid"] for device in view["devices"]], ["GPU-1a", "GPU-0a"])
        self.assertIn("a guess", view["note"])
        by_bus = cuda_view(mixed, {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"})
        self.assertEqual((by_bus["devices"][0]["uuid"], "a guess" in by_bus["note"]), ("GPU-0a", False))


class GpuFactsTest(unittest.TestCase):
    def facts(self, fake):
        with mock.patch.object(library, "load_library", fake.library), mock.patch.dict(
            os.environ, {"LOADLINE_DEVICE": ""}
        ):
            return gpu_facts()

    def test_gpus_and_what_is_between_them(self):
        fake = FakeLibrary()

        def ancestor(_, __, level):
            level._obj.value = 50
            return 0

        def state(_, link, active):
            active._obj.value = int(link < 4)
            return 0

        def remote(_, link, info):
            info._obj.bus_id = b"00000000:00:07.0"
            return 0

        def own(handle, info):
            info._obj.bus_id = b"00000000:00:0%d.0" % (6 + (handle.value & 0xFF))
            return 0

        fake.nvmlDeviceGetTopologyCommonAncestor = ancestor
        fake.nvmlDeviceGetNvLinkState = state
        fake.nvmlDeviceGetNvLinkRemotePciInfo_v2 = remote
        fake.nvmlDeviceGetPciInfo_v3 = own
        fake.pids = [(77, 4096)]
        facts = self.facts(fake)
        self.assertEqual(facts["topology"], [{"from": 0, "to": 1, "path": "SYS", "nvlinks": 4, "throughSwitch": False}])
        self.assertEqual([entry["gpu"] for entry in facts["processes"]], [0, 1])
        self.assertEqual(facts["processes"][0]["processes"][0]["pid"], 77)

        def switch(_, __, kind):
            kind._obj.value = 2
            return 0

        fake.nvmlDeviceGetNvLinkRemoteDeviceType = switch
        self.assertEqual(
            self.facts(fake)["topology"],
            [{"from": 0, "to": 1, "path": "SYS", "nvlinks": 4, "throughSwitch": True}],
        )

    def test_the_driver_was_updated_under_its_library(self):
        fake = FakeLibrary()
        fake.refused["nvmlInit_v2"] = structs.LIB_RM_VERSION_MISMATCH
        with mock.patch("loadline_agent.devices.nvidia_smi.shutil.which", return_value=None):
            facts = self.facts(fake)
        self.assertEqual((facts["gpuSource"], facts["gpus"]), ("none", []))
        self.assertIn("reboot, or reload the nvidia modules (NVML code 18)", facts["gpuDetail"])

    def test_a_recorded_probe_of_an_h200_has_its_total_by_cuda(self):
        with open(RECORDED_PROBE) as file:
            recorded = json.load(file)
        (device,) = cuda_view([{**recorded["gpus"][0], "memoryReservedBytes": 644939776}], {})["devices"]
        self.assertEqual(round(device["totalBytes"] / 2**30, 2), 139.8)


class UninstallTest(AgentTest):
    def put(self, *names):
        for name in names:
            os.makedirs(os.path.join(self.home, name))

    def uninstall(self, runs):
        (record,), status = self.agent("uninstall", {"runs": runs})
        self.assertEqual((status, record["type"]), (0, "uninstalled"), record)
        return record

    def test_without_runs_nothing_is_left(self):
        self.put("agent-0123456789abcdef", "agent-fedcba9876543210", "locks", "runs")
        record = self.uninstall(False)
        self.assertEqual((record["kept"], os.path.exists(self.home)), ([], False))

    def test_runs_stay_unless_they_are_asked_for(self):
        self.put("agent-0123456789abcdef", "locks", "runs/a")
        record = self.uninstall(False)
        self.assertEqual(sorted(os.listdir(self.home)), ["locks", "runs"])
        self.assertIn("ask for them", {os.path.basename(k["path"]): k["why"] for k in record["kept"]}["runs"])
        self.uninstall(True)
        self.assertFalse(os.path.exists(self.home))

    def test_what_is_not_ours_stays(self):
        self.put("locks")
        os.symlink("/tmp", os.path.join(self.home, "agent-link"))
        with open(os.path.join(self.home, "notes.txt"), "w"):
            pass
        record = self.uninstall(True)
        self.assertEqual(sorted(os.listdir(self.home)), ["agent-link", "notes.txt"])
        self.assertEqual({os.path.basename(kept["path"]) for kept in record["kept"]}, {"agent-link", "notes.txt"})

    def test_where_there_is_nothing(self):
        self.assertEqual(self.uninstall(True), {"type": "uninstalled", "removed": [], "kept": []})


class ReadOnlyHomeTest(AgentTest):
    def test_looking_and_watching_need_no_home(self):
        os.makedirs(self.home)
        os.chmod(self.folder, stat.S_IRUSR | stat.S_IXUSR)
        self.addCleanup(os.chmod, self.folder, 0o700)
        (record,), status = self.agent("probe", environment={"HOME": self.folder})
        self.assertEqual((status, record["type"]), (0, "probe"))
        lines, status = self.agent("sample", {"intervalMs": 20, "device": {"kind": "auto"}, "durationMs": 40})
        self.assertEqual((status, lines[0]["type"]), (0, "telemetry-header"))


if __name__ == "__main__":
    unittest.main()
