"""Each verb's answers, its errors and its exit statuses."""

import json
import os
import stat
import subprocess
import sys
import unittest

import contract
from loadline_agent import requests
from loadline_agent.errors import BadRequest
from support import (
    AGENT_SOURCE,
    AgentTest,
    built_agent,
    check_answer,
    fake_cell,
    load_profile,
    run_request,
    simulated_cell,
    simulated_engine,
)


class HelloTest(AgentTest):
    def test_hello(self):
        (record,), status = self.agent("hello")
        self.assertEqual(status, 0)
        with open(os.path.join(AGENT_SOURCE, "..", "protocol", "agent.ts"), encoding="utf-8") as file:
            self.assertIn(f"export const agentProtocol = {record['protocol']};", file.read())

    def test_from_its_folder_it_is_the_same_agent(self):
        done = subprocess.run(
            [sys.executable, "-B", AGENT_SOURCE, "hello"], stdout=subprocess.PIPE, env=self.environment
        )
        record = json.loads(done.stdout.decode())
        check_answer("hello", record)


class BadRequestTest(AgentTest):
    def refused(self, verb, request, code="bad-request"):
        (record,), status = self.agent(verb, request)
        self.assertEqual((record["type"], record["code"], status), ("error", code, 2), record)
        return record["message"]

    def test_no_such_verb(self):
        self.assertIn("`dance` is not one", self.refused_verb("dance"))

    def refused_verb(self, verb):
        done = subprocess.run([sys.executable, built_agent(), verb], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        record = json.loads(done.stdout.decode())
        contract.check(record, "ErrorRecord")
        self.assertEqual(done.returncode, 2)
        return record["message"]

    def test_nothing_half_or_no_json(self):
        self.assertIn("nothing was written", self.refused("run", b""))
        self.assertIn("not JSON", self.refused("run", b'{"run": "a", '))
        self.assertIn("not JSON", self.refused("run", b"\xff\xfe}"))
        self.assertIn("expected an object", self.refused("run", b"[1]"))
        self.assertIn("nested too deeply", self.refused("run", b'{"a":' + b"[" * 100000 + b"]" * 100000 + b"}"))

    def test_each_field_is_named_where_it_is_wrong(self):
        def changed(change):
            request = run_request([fake_cell("a"), fake_cell("b")])
            change(request)
            with self.assertRaises(BadRequest) as refused:
                requests.run_request(request)
            return str(refused.exception)

        wrong = {**run_request([fake_cell("a")]), "leaseSeconds": True}
        self.assertIn("leaseSeconds: expected", self.refused("run", wrong))
        self.assertFalse(os.path.exists(self.run_folder()))
        self.assertIn(
            "cells[1].load.concurrency: expected an integer of at least 1, got 0",
            changed(lambda r: r["cells"][1]["load"].update(concurrency=0)),
        )
        self.assertIn(
            "cells[0].load.input.tokens: expected at most 16777216 tokens, got 1000000000",
            changed(lambda r: r["cells"][0]["load"].update(input={"kind": "fixed", "tokens": 10**9})),
        )
        self.assertIn(
            "cells[0].load.output.deviation: expected at most",
            changed(lambda r: r["cells"][0]["load"].update(output={"kind": "normal", "mean": 8, "deviation": 1e300})),
        )
        self.assertIn("cells[0].engine.argv: empty", changed(lambda r: r["cells"][0]["engine"].update(argv=[])))
        self.assertIn("leaseSeconds: missing", changed(lambda r: r.pop("leaseSeconds")))
        self.assertIn("cells[1].id: the same as cells[0]", changed(lambda r: r["cells"][1].update(id="a")))
        self.assertIn("cells: empty", changed(lambda r: r.update(cells=[])))
        self.assertIn("run: expected a run name", changed(lambda r: r.update(run="../../etc")))
        self.assertIn("cells[0].engine.kind", changed(lambda r: r.update(simulated=True)))
        self.assertIn("telemetry.device.kind", changed(lambda r: r["telemetry"]["device"].update(kind="magic")))
        self.assertIn(
            "readyTimeoutSeconds", changed(lambda r: r["cells"][0]["engine"].update(readyTimeoutSeconds=True))
        )
        self.assertIn(
            "cells[0].load.requestsPerSecond: missing",
            changed(lambda r: r["cells"][0]["load"].update(profile="open-loop")),
        )
        self.assertIn(
            "cells[0].load.input.most: expected an integer of at least 9",
            changed(lambda r: r["cells"][0]["load"].update(input={"kind": "uniform", "least": 9, "most": 8})),
        )
        self.assertIn(
            "cells[0].engine.container.runtime: expected `docker` or `podman`",
            changed(lambda r: r["cells"][0]["engine"].update(container={"runtime": "sh"})),
        )
        for image in ("--privileged", "-v/:/host", "", "a b"):
            container = {"runtime": "docker", "image": image, "arguments": []}
            self.assertIn(
                "cells[0].engine.container.image",
                changed(lambda r: r["cells"][0]["engine"].update(container=container)),
                "an option in place of an image",
            )
        self.assertIn("cells[0].engine.name", changed(lambda r: r["cells"][0]["engine"].update(name="../sh")))
        self.assertIn(
            "cells[0].gpus[0]: expected one of the run's GPUs", changed(lambda r: r["cells"][0].update(gpus=[7]))
        )
        self.assertIn(
            "cells[0].engine.healthPath",
            changed(lambda r: r["cells"][0]["engine"].update(healthPath="http://elsewhere")),
        )
        search = {"id": "s", "label": "", "cells": ["c"], "goal": {"kind": "knee"}}
        self.assertIn(
            "searches[0].cells[0]: expected the id of a cell", changed(lambda r: r.update(searches=[search]))
        )
        self.assertIn("cells[0].mps.threadPercentage", changed(lambda r: r["cells"][0].update(mps={"threadPercentage": 101})))

    def test_another_protocol(self):
        message = self.refused("run", {**run_request([fake_cell("a")]), "protocol": 999}, code="protocol")
        self.assertIn("999", message)

    def test_a_recording_that_is_not_there(self):
        self.assertIn(
            "h200-2026-11-static-batch",
            self.refused("sample", {"intervalMs": 100, "device": {"kind": "recorded", "name": "v100"}}),
        )

    def test_load_against_nothing(self):
        load = fake_cell("a")["load"]
        for url in ("ftp://h", "http://h?x=1", "http://user:word@h", "http://h:port"):
            message = self.refused("load", {"url": url, "modelName": None, "load": load})
            self.assertIn("url", message)
            self.assertNotIn("word", message.replace("password", ""))
        (record,), status = self.agent("load", {"url": "http://127.0.0.1:1", "modelName": None, "load": load})
        self.assertEqual((record["code"], status), ("unreachable", 1))


class LoadTest(AgentTest):
    def endpoint(self):
        """URL of an engine that somebody started by hand, with the key `key`."""
        parameters = os.path.join(self.folder, "simulated.json")
        with open(parameters, "w") as file:
            json.dump(simulated_engine(), file)
        environment = {**self.environment, "LOADLINE_SIMULATED_ENGINE": parameters, "VLLM_API_KEY": "key"}
        engine = subprocess.Popen(
            [sys.executable, built_agent(), "simulated-engine", "--port", "0"], stdout=subprocess.PIPE, env=environment
        )
        self.addCleanup(engine.wait)
        self.addCleanup(engine.terminate)
        self.addCleanup(engine.stdout.close)
        return next(line.split()[-1].decode() for line in engine.stdout if b"http://" in line)

    def test_load_measures_an_endpoint_and_finds_its_model(self):
        url = self.endpoint()
        request = {"url": url + "/v1", "modelName": None, "load": fake_cell("a")["load"]}
        *progress, record = self.load(request, environment={"LOADLINE_API_KEY": "key"})
        self.assertEqual((record["type"], record["modelName"]), ("load-measured", "simulated-model"), record)
        self.assertEqual(record["measurement"]["requests"]["failure"], [None] * 8)
        self.assertEqual({said["phase"] for said in progress}, {"warm-up", "load"})
        for changes, environment, code, words in (
            ({}, {}, "unauthorized", "put it into LOADLINE_API_KEY"),
            ({}, {"LOADLINE_API_KEY": "other"}, "unauthorized", "refuses the API key"),
            ({"modelName": "x/y"}, {"LOADLINE_API_KEY": "key"}, "no-such-model", "serves simulated-model, not x/y"),
            ({"url": url + "/no/such"}, {"LOADLINE_API_KEY": "key"}, "protocol", "no OpenAI-compatible server"),
            ({"url": "http://127.0.0.1:1"}, {}, "unreachable", "refused"),
            ({"url": "ftp://h"}, {}, "bad-request", "http://host:port"),
        ):
            with self.subTest(code=code, words=words):
                (said,) = self.load({**request, **changes}, environment=environment)
                self.assertEqual((said["type"], said["code"]), ("error", code), said)
                self.assertIn(words, said["message"])
                self.assertNotIn("other", said["message"])

    def test_stopped_it_gives_what_was_measured_until_then(self):
        load = {**load_profile(requests=1000000, warmup=0), "output": {"kind": "fixed", "tokens": 2}}
        request = {"url": self.endpoint(), "modelName": None, "load": load}
        for stop in (lambda stdin: stdin.write(b'{"stop": true}\n'), lambda stdin: stdin.close()):
            process = self.spawn("load", request, environment={"LOADLINE_API_KEY": "key"})
            lines = map(lambda line: json.loads(line.decode()), process.stdout)
            next(said for said in lines if said.get("completed", 0) > 0)
            stop(process.stdin)
            if not process.stdin.closed:
                process.stdin.flush()
            *_, last = lines
            process.stdout.close()
            process.wait()
            if not process.stdin.closed:
                process.stdin.close()
            check_answer("load", last)
            self.assertEqual((last["type"], last["interrupted"]), ("load-measured", True))
            self.assertGreater(len(last["measurement"]["requests"]["sentMs"]), 0)
            self.assertEqual(set(last["measurement"]["requests"]["failure"]), {None})

    def load(self, request, environment):
        """All records. stdin stays open: its end would stop the load."""
        process = self.spawn("load", request, environment=environment)
        records = [json.loads(line.decode()) for line in process.stdout]
        process.stdin.close()
        process.stdout.close()
        process.wait()
        for record in records:
            check_answer("load", record)
        return records


class RunsTest(AgentTest):
    def test_a_damaged_run_folder_hides_no_other(self):
        for run in ("first", "journal-damaged", "last", "request-damaged", "request-odd"):
            self.start([simulated_cell("a")], run=run, telemetry=False)
            self.follow(run).end()
        for run, name, text in (
            ("journal-damaged", "journal.jsonl", "no JSON\n"),
            ("request-damaged", "request.json", "{"),
            ("request-odd", "request.json", "[]"),
        ):
            with open(os.path.join(self.run_folder(run), name), "w") as file:
                file.write(text)
        statuses = {status["run"]: status for status in self.statuses()}
        self.assertEqual([run for run in statuses if "problem" not in statuses[run]], ["first", "last"])
        self.assertEqual({statuses[run]["state"] for run in ("first", "last")}, {"finished"})
        self.assertIn("changed from outside", statuses["journal-damaged"]["problem"])
        self.assertEqual(
            {run for run in statuses if "problem" in statuses[run]},
            {"journal-damaged", "request-damaged", "request-odd"},
        )


class HomeTest(AgentTest):
    def refused(self):
        (record,), status = self.agent("run", run_request([fake_cell("a")]))
        self.assertEqual((record["code"], status), ("home", 1))
        return record["message"]

    def test_a_symlink_is_refused(self):
        os.symlink("/tmp", self.home)
        self.assertIn("symbolic link", self.refused())

    def test_a_file_is_refused(self):
        with open(self.home, "w"):
            self.assertIn("not a folder", self.refused())

    def test_an_open_one_is_closed(self):
        os.mkdir(self.home)
        os.chmod(self.home, 0o755)
        self.start([simulated_cell("a")], telemetry=False)
        self.follow().end()
        self.assertEqual(stat.S_IMODE(os.stat(self.home).st_mode), 0o700)


class BrokenPipeTest(AgentTest):
    def test_a_reader_that_goes_away_is_no_error(self):
        process = self.spawn("sample", {"intervalMs": 10, "device": {"kind": "auto"}}, stderr=subprocess.PIPE)
        process.stdout.readline()
        process.stdout.close()
        self.assertEqual(process.wait(30), 0)
        self.assertEqual(process.stderr.read(), b"")
        process.stderr.close()
        process.stdin.close()


if __name__ == "__main__":
    unittest.main()
