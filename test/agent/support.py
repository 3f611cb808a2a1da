"""What the agent's tests share: the built agent in a home of its own, requests, and a follower that can wait for a record."""

import atexit
import base64
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import unittest
import zlib

import contract

HERE = os.path.dirname(os.path.abspath(__file__))
AGENT_SOURCE = os.path.join(HERE, "..", "..", "src", "agent")
FAKE_ENGINE = os.path.join(HERE, "fake_engine.py")

#: Nothing in these tests takes as long; what does hangs, and is ended so that the test fails instead.
HANGS_SECONDS = 240

_folder = tempfile.mkdtemp(prefix="loadline-agent-test-")
atexit.register(shutil.rmtree, _folder, ignore_errors=True)


def build_module():
    spec = importlib.util.spec_from_file_location("agent_build", os.path.join(AGENT_SOURCE, "build.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def built_agent():
    path = os.path.join(_folder, "loadline-agent.pyz")
    if not os.path.exists(path):
        build_module().build(path)
    return path


VERB_ANSWERS = {
    "hello": ("HelloRecord",),
    "probe": ("ProbeRecord",),
    "sample": ("TelemetryLine",),
    "run": ("RunAccepted",),
    "resume": ("RunAccepted",),
    "cancel": ("CancelRecord",),
    "runs": ("RunStatus",),
    "follow": ("FollowRewind", "FollowChunk", "FollowHeartbeat", "FollowEnd"),
    "load": ("LoadMeasured", "LoadProgress"),
    "uninstall": ("RemovedRecord",),
}


def check_answer(verb, record):
    names = (*VERB_ANSWERS[verb], "ErrorRecord")
    if all(contract.problems(record, ("name", name)) for name in names):
        contract.check(record, names[0])


def load_profile(requests=8, concurrency=4, output=4, warmup=2):
    return {
        "profile": "closed-loop",
        "concurrency": concurrency,
        "requests": requests,
        "warmupRequests": warmup,
        "input": {"kind": "fixed", "tokens": 8},
        "output": {"kind": "fixed", "tokens": output},
        "api": "completions",
        "prompt": "token-ids",
        "seed": 1,
    }


def fake_cell(
    name,
    *options,
    key="k1",
    trials=1,
    load=None,
    deadline=60.0,
    ready=30.0,
    environment=None,
    argv=None,
    model="fake-model",
):
    return {
        "id": name,
        "label": f"cell {name}",
        "engineKey": key,
        "engine": {
            "kind": "command",
            "name": "vllm",
            "argv": argv or [sys.executable, FAKE_ENGINE, *options],
            "environment": environment or {},
            "modelName": model,
            "readyTimeoutSeconds": ready,
        },
        "load": load or load_profile(),
        "trials": trials,
        "expectedSeconds": 1,
        "deadlineSeconds": deadline,
    }


#: A load that no test waits out.
ENDLESS = load_profile(requests=1000000, output=1000, warmup=0)

#: One that is soon over, all of it measured: under an engine that is held it is in progress for as long as a test likes.
SHORT = load_profile(requests=6, concurrency=2, output=2, warmup=0)


def simulated_engine(**changes):
    return {
        "modelName": "simulated-model",
        "engineVersion": "0.26.0",
        "startupSeconds": 0.05,
        "start": {"outcome": "serves"},
        "logLines": ["(simulated) GPU KV cache size: 16,000 tokens"],
        "maxModelLen": 2048,
        "maxNumSeqs": 64,
        "maxNumBatchedTokens": 2048,
        "kvBlocks": 1000,
        "blockSize": 16,
        "step": {"baseMs": 2, "perSequenceMs": 0.05, "perKvTokenMs": 0, "perPrefillTokenMs": 0.01},
        "noise": {"relativeDeviation": 0.01, "seed": 3},
        **changes,
    }


def simulated_cell(name, key="s1", **changes):
    cell = fake_cell(name, key=key)
    cell["engine"] = {
        "kind": "simulated",
        "name": "vllm",
        "parameters": simulated_engine(**changes),
        "readyTimeoutSeconds": 30,
    }
    return cell


def protocol():
    """As the client has it."""
    with open(os.path.join(AGENT_SOURCE, "..", "protocol", "agent.ts"), encoding="utf-8") as file:
        return int(re.search(r"agentProtocol = (\d+);", file.read()).group(1))


def run_request(cells, run="20261123T120000Z-test", lease=120.0, telemetry=True, gpus=(), more=None):
    request = {
        **(more or {}),
        "protocol": protocol(),
        "run": run,
        "name": "test",
        "simulated": cells[0]["engine"]["kind"] == "simulated",
        "plan": "name: test\n# Ω\n",
        "environment": {"commit": "0123abc"},
        "gpus": list(gpus),
        "telemetry": (
            {"intervalMs": 50, "device": {"kind": "recorded", "name": "h200-2026-11-static-batch"}}
            if telemetry
            else None
        ),
        "leaseSeconds": lease,
        "cells": cells,
    }
    contract.check(request, "RunRequest")
    return request


RUN = "20261123T120000Z-test"


def ready(records):
    """The first engine's start."""
    return next(record for record in records if record["type"] == "engine-ready")


def failures(records):
    return [record for record in records if record["type"] == "cell-failed"]


def failure(records):
    """The only cell that failed."""
    (found,) = failures(records)
    return found


def warnings(records):
    return [record["message"] for record in records if record["type"] == "warning"]


class Follower:
    """A `follow` in progress: the files as they come, and their records one by one."""

    def __init__(self, test, run, offsets=None, checks=None):
        self.files = {}
        self.records = []
        self.journal = []
        self._starts = dict(offsets or {})
        self._half_a_line = b""
        self._process = test.spawn("follow", {"run": run, "offsets": offsets or {}, "checks": checks or {}})
        self._timer = threading.Timer(HANGS_SECONDS, self._process.kill)
        self._timer.start()
        test.addCleanup(self.close)

    def read(self):
        line = self._process.stdout.readline()
        if not line:
            return None
        record = json.loads(line.decode())
        check_answer("follow", record)
        self.records.append(record)
        if record["type"] == "rewind":
            self._starts[record["file"]] = 0
        if record["type"] == "chunk":
            data = zlib.decompress(base64.b64decode(record["data"]))
            name = record["file"]
            held = self.files.setdefault(name, b"")
            if record["offset"] != self._starts.get(name, 0) + len(held) or record["bytes"] != len(data):
                raise AssertionError(f"chunk of {name} at {record['offset']}: not where the last one ended")
            self.files[name] = held + data
            if name == "journal.jsonl" and not self._starts.get(name):
                # A chunk may end in the middle of a long record.
                *lines, self._half_a_line = (self._half_a_line + data).split(b"\n")
                self.journal += [json.loads(text.decode()) for text in lines]
        return record

    def until(self, kind, **fields):
        """Waits for a journal record of the type with these fields; returns it."""
        seen = 0
        while True:
            for record in self.journal[seen:]:
                seen += 1
                if record["type"] == kind and all(record.get(name) == value for name, value in fields.items()):
                    return record
            if self.read() is None:
                raise AssertionError(
                    f"the follow ended without {kind} {fields}: {[record['type'] for record in self.journal]}"
                )

    def end(self):
        """Reads to the end; returns the last record."""
        while self.read() is not None:
            pass
        return self.records[-1]

    def close(self):
        self._timer.cancel()
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()


class AgentTest(unittest.TestCase):
    """Every test has a home of its own, and leaves no process behind in it."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="loadline-home-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.home = os.path.join(self.folder, "loadline")
        self._hold_file = os.path.join(self.folder, "hold")
        # The same on a host with GPUs as on one without.
        self.environment = {**os.environ, "LOADLINE_HOME": self.home, "LOADLINE_DEVICE": "none"}
        self.environment.pop("PYTHONPATH", None)
        self.spawned = []
        self.addCleanup(self.end_all)

    def end_all(self):
        """Ends what a failed test left, so that it does not disturb the next."""
        for pid in self.agents():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def stand_in(self, name, script):
        """Makes a script of the tests the program of that name for the agent and all that it starts."""
        folder = os.path.join(self.folder, "bin")
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, name)
        with open(path, "w") as file:
            file.write(f'#!/bin/sh\nexec "{sys.executable}" "{os.path.join(HERE, script)}" "$@"\n')
        os.chmod(path, 0o755)
        if not self.environment["PATH"].startswith(folder):
            self.environment["PATH"] = folder + os.pathsep + self.environment["PATH"]

    def spawn(self, verb, request=None, **options):
        process = subprocess.Popen(
            [sys.executable, built_agent(), verb, *options.pop("arguments", [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**self.environment, **options.pop("environment", {})},
            **options,
        )
        self.spawned.append(process)
        if request is not None:
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
        return process

    def agent(self, verb, request=None, **options):
        """(records, exit status) of a verb that ends by itself; stdin closes after the request."""
        data = request if isinstance(request, bytes) else json.dumps(request).encode() if request is not None else b""
        done = subprocess.run(
            [sys.executable, built_agent(), verb],
            input=data,
            stdout=subprocess.PIPE,
            env={**self.environment, **options.pop("environment", {})},
            timeout=HANGS_SECONDS,
            **options,
        )
        records = [json.loads(line.decode()) for line in done.stdout.splitlines()]
        for record in records:
            check_answer(verb, record)
        return records, done.returncode

    def start(self, cells, **options):
        request = run_request(cells, **options)
        records, status = self.agent("run", request)
        self.assertEqual((status, records[0]["type"]), (0, "run-accepted"), records)
        return records[0]

    def follow(self, run="20261123T120000Z-test", offsets=None, checks=None):
        return Follower(self, run, offsets, checks)

    def run_to_end(self, cells, **options):
        """Nothing of it is left then. Returns the journal's records."""
        run = options.get("run", "20261123T120000Z-test")
        self.start(cells, **options)
        self.assertEqual(self.follow(run).end()["type"], "follow-end")
        self.assert_nothing_left()
        return self.assert_journal_sound(run)

    # What happens to a run in mid-work

    def hold(self):
        """Options of an engine whose streams get no token until `release`: whatever a test does before meets its load."""
        with open(self._hold_file, "a"):
            return ("--hold", self._hold_file)

    def release(self):
        os.unlink(self._hold_file)

    def kill_together(self, *names, run=RUN):
        """By their names in processes.json, parents first. None sees another's end: all stand still before the first is killed."""
        known = self.processes(run)
        for name in names:
            os.kill(known[name]["pid"], signal.SIGSTOP)
        for name in reversed(names):
            os.kill(known[name]["pid"], signal.SIGKILL)

    def run_folder(self, run="20261123T120000Z-test"):
        return os.path.join(self.home, "runs", run)

    def processes(self, run="20261123T120000Z-test"):
        with open(os.path.join(self.run_folder(run), "processes.json")) as file:
            return json.load(file)

    def statuses(self):
        return self.agent("runs")[0]

    # What is left

    def engines(self):
        """Processes started by a run of this home."""
        return self._pids(
            lambda environment: (
                f"LOADLINE_HOME={self.home}".encode() in environment
                and any(w.startswith(b"LOADLINE_RUN=") for w in environment)
            )
        )

    def agents(self):
        """Every process of this home: supervisors, workers and their helpers carry it in their environment too."""
        return self._pids(lambda environment: f"LOADLINE_HOME={self.home}".encode() in environment)

    def _pids(self, wanted):
        found = []
        for name in os.listdir("/proc"):
            if not name.isdigit():
                continue
            try:
                with open(f"/proc/{name}/environ", "rb") as file:
                    environment = file.read().split(b"\0")
            except OSError:
                continue
            if wanted(environment):
                found.append(int(name))
        return found

    def assert_nothing_left(self):
        """No process of a run: engine, supervisor, worker or helper. What the test itself started does not count."""
        ours = {process.pid for process in self.spawned}
        self.assertEqual([describe(pid) for pid in self.agents() if pid not in ours], [])

    def assert_journal_sound(self, run="20261123T120000Z-test", torn=False):
        """Contract, sequence without gaps, each cell settled once. Returns the records."""
        with open(os.path.join(self.run_folder(run), "journal.jsonl"), "rb") as file:
            data = file.read()
        self.assertTrue(data.endswith(b"\n") or torn)
        records = [json.loads(line.decode()) for line in data.splitlines(True) if line.endswith(b"\n")]
        for record in records:
            contract.check(record, "JournalRecord")
        self.assertEqual([record["seq"] for record in records], list(range(len(records))))
        settled = [record["cell"] for record in records if record["type"] in ("cell-done", "cell-failed")]
        self.assertEqual(len(settled), len(set(settled)), settled)
        trials = [(record["cell"], record["trial"]) for record in records if record["type"] == "trial-measured"]
        self.assertEqual(len(trials), len(set(trials)), trials)
        return records


def describe(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return f"{pid} {file.read().replace(bytes(1), b' ').decode()}"
    except OSError:
        return str(pid)
