"""Runs from start to end: what the journal says, what is left, what each way of failing looks like."""

import json
import os
import stat
import sys
import unittest

import contract
from support import ENDLESS, AgentTest, failure, fake_cell, load_profile, run_request, simulated_cell


def kinds(records):
    return [record["type"] for record in records if record["type"] != "cell-progress"]


class RunTest(AgentTest):
    def failure(self, cell):
        records = self.run_to_end([cell], telemetry=False)
        self.assertEqual(records[-1]["outcome"], "completed")
        return next(record for record in records if record["type"] == "cell-failed")

    def test_a_rehearsal_measures_every_cell_and_says_simulated(self):
        accepted = self.start([simulated_cell("a"), simulated_cell("b"), simulated_cell("c", key="s2")])
        self.assertEqual(accepted["directory"], self.run_folder())
        follower = self.follow()
        self.assertEqual(follower.end(), {"type": "follow-end", "state": "finished"})
        records = self.assert_journal_sound()
        self.assertEqual(
            kinds(records),
            ["run-started", "engine-starting", "engine-ready"]
            + ["cell-started", "trial-measured", "cell-done"] * 2
            + [
                "engine-stopped",
                "engine-starting",
                "engine-ready",
                "cell-started",
                "trial-measured",
                "cell-done",
                "engine-stopped",
                "run-finished",
            ],
        )
        self.assertTrue(all(record["simulated"] for record in records if "simulated" in record))
        self.assertEqual(next(record for record in records if record["type"] == "engine-ready")["version"], "0.26.0")
        measured = [record["measurement"] for record in records if record["type"] == "trial-measured"]
        self.assertEqual([measurement["requests"]["failure"] for measurement in measured], [[None] * 8] * 3)
        self.assert_nothing_left()
        self.assertEqual(self.statuses()[0]["cellsDone"], 3)

    def test_the_run_folder_holds_what_a_reader_needs_and_is_private(self):
        self.run_to_end([fake_cell("a", environment={"HF_TOKEN": "secret-value"})])
        folder = self.run_folder()
        self.assertEqual(stat.S_IMODE(os.stat(folder).st_mode), 0o700)
        self.assertEqual(stat.S_IMODE(os.stat(os.path.join(folder, "request.json")).st_mode), 0o600)
        with open(os.path.join(folder, "plan.yaml"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "name: test\n# Ω\n")
        with open(os.path.join(folder, "environment.json"), encoding="utf-8") as file:
            environment = json.load(file)
        self.assertEqual(environment["commit"], "0123abc")
        self.assertEqual(environment["host"]["cpuCount"], len(os.sched_getaffinity(0)))
        with open(os.path.join(folder, "telemetry.jsonl"), encoding="utf-8") as file:
            telemetry = [json.loads(line) for line in file]
        for line in telemetry:
            contract.check(line, "TelemetryLine")
        self.assertEqual(telemetry[0]["source"], "recorded:h200-2026-11-static-batch")
        marks = [line["text"] for line in telemetry if line["type"] == "telemetry-mark"]
        self.assertEqual(marks, ["cell a, trial 0: start", "cell a, trial 0: end"])
        self.assertEqual(
            [line["seq"] for line in telemetry if line["type"] == "telemetry"],
            list(range(sum(line["type"] == "telemetry" for line in telemetry))),
        )

    def test_a_rehearsal_asks_no_driver(self):
        broken = {"LOADLINE_DEVICE": "recorded:no-such-recording"}
        records, status = self.agent("run", run_request([simulated_cell("a")], telemetry=False), environment=broken)
        self.assertEqual((status, records[0]["type"]), (0, "run-accepted"), records)
        self.assertEqual(self.follow().end()["state"], "finished")
        with open(os.path.join(self.run_folder(), "environment.json"), encoding="utf-8") as file:
            host = json.load(file)["host"]
        self.assertEqual(host["cpuCount"], len(os.sched_getaffinity(0)))
        self.assertNotIn("gpus", host, "not looked at is not none")

    def test_secrets_that_an_engine_prints_are_in_no_record_and_not_in_its_log(self):
        self.environment["OF_THE_HOST_KEY"] = "sk-of-the-host"
        code = (
            "import os, sys; print('ValueError: bad token', *(os.environ[name] for name in "
            "('HF_TOKEN', 'OF_THE_HOST_KEY', 'VLLM_API_KEY'))); print(len(os.environ['VLLM_API_KEY'])); sys.exit(1)"
        )
        cell = fake_cell("a", argv=[sys.executable, "-c", code], environment={"HF_TOKEN": "hf_abcdef"})
        failure = self.failure(cell)
        self.assertIn("ValueError: bad token [secret] [secret] [secret]", failure["message"])
        with open(os.path.join(self.run_folder(), "engine-k1.log")) as file:
            self.assertEqual(file.read(), "ValueError: bad token [secret] [secret] [secret]\n32\n")

    def test_secrets_in_a_command_stay_out_of_the_journal(self):
        hidden = ["--api-key", "sk-1", "sk-1-longer", "--hf-token=hf_two", "PGPASSWORD=three3"]
        shown = ["--max-num-batched-tokens", "2048", "--long-prefill-token-threshold", "1024", "--tokenizer", "auto"]
        code = (
            "import json, sys; print('ValueError: had', *sys.argv[1:]); "
            f"print(json.dumps([list(word) for word in sys.argv[1:{len(hidden + shown) + 1}]])); raise SystemExit(1)"
        )
        records = self.run_to_end(
            [
                fake_cell(
                    "a",
                    argv=[sys.executable, "-c", code, *hidden, *shown],
                    environment={"TOKENIZERS_PARALLELISM": "auto"},
                )
            ],
            telemetry=False,
        )
        journal = json.dumps(records)
        for secret in ("sk-1", "longer", "hf_two", "three3"):
            self.assertNotIn(secret, journal)
        command = next(record for record in records if record["type"] == "engine-starting")["command"]
        self.assertEqual(
            command[3 : 3 + len(hidden + shown)],
            ["--api-key", "[secret]", "[secret]", "--hf-token=[secret]", "PGPASSWORD=[secret]", *shown],
        )
        # The engine itself was given them.
        given = json.dumps([list(word) for word in [*hidden, *shown]])
        with open(os.path.join(self.run_folder(), "engine-k1.log")) as file:
            self.assertIn(given, file.read())

    def test_metacharacters_newlines_and_option_like_values_reach_an_engine_as_they_are(self):
        canary = os.path.join(self.folder, "canary")
        hostile = [
            *(form.format(canary) for form in ("; touch {}", "$(touch {})", "`touch {}`", "| touch {}", "a\ntouch {}\n")),
            *("--trust-remote-code", "-x", "'", '"', "*", "~", "\\", "", "%s", "é", "\x1b[31m"),
        ]
        values = {f"V{index}": value for index, value in enumerate(hostile)}
        code = f"import json, os, sys; print(json.dumps([sys.argv[1:{len(hostile) + 1}], *map(os.environ.get, {list(values)!r})]))"
        cell = fake_cell(
            "$(id)\n",
            argv=[sys.executable, "-c", code, *hostile],
            environment=values,
            key=f"../x; touch {canary}",
            model="; touch x",
        )
        cell["label"] = f"$(touch {canary})"
        records = self.run_to_end([cell], telemetry=False)
        self.assertEqual(failure(records)["kind"], "crashed")
        log = next(record for record in records if record["type"] == "engine-starting")["log"]
        self.assertEqual(os.path.basename(log), log)
        with open(os.path.join(self.run_folder(), log)) as file:
            self.assertEqual(json.load(file), [hostile, *hostile])
        self.assertFalse(os.path.exists(canary))

    def test_what_no_process_can_be_given_is_refused_before_anything_starts(self):
        for change in (
            {"environment": {"A": "x\0y"}},
            {"environment": {"A=B": "x"}},
            {"environment": {"": "x"}},
            {"argv": ["x", "\0"]},
            {"argv": ["x", "\ud800"]},
            {"model": "\udc00"},
        ):
            with self.subTest(change=change):
                records, status = self.agent("run", run_request([fake_cell("a", **change)], telemetry=False))
                self.assertEqual((status, records[0]["type"], records[0]["code"]), (2, "error", "bad-request"))

    def test_an_engine_sees_the_gpus_that_the_run_holds_whatever_its_environment_says(self):
        code = "import os; print(os.environ['CUDA_VISIBLE_DEVICES'], os.environ['CUDA_DEVICE_ORDER'])"
        cell = fake_cell("a", argv=[sys.executable, "-c", code], environment={"CUDA_VISIBLE_DEVICES": "7"})
        self.run_to_end([cell], telemetry=False, gpus=[2])
        with open(os.path.join(self.run_folder(), "engine-k1.log")) as file:
            self.assertEqual(file.read(), "2 PCI_BUS_ID\n")

    def test_a_failed_start_is_classified_and_not_tried_again_for_its_other_cells(self):
        says = (
            "--print",
            "ValueError: No available memory for the cache blocks. Try increasing it.",
            "--print",
            "Traceback of something else",
            "--exit",
            "1",
        )
        records = self.run_to_end(
            [fake_cell("a", *says, key="bad"), fake_cell("b", *says, key="bad"), fake_cell("c", key="good")]
        )
        failures = [record for record in records if record["type"] == "cell-failed"]
        self.assertEqual(
            [(failure["cell"], failure["kind"], failure["phase"]) for failure in failures],
            [("a", "refused", "start"), ("b", "refused", "start")],
        )
        self.assertIn("raise gpu-memory-utilization", failures[0]["message"])
        self.assertIn("failed for cell a", failures[1]["message"])
        self.assertIn("No available memory for the cache blocks", "\n".join(failures[0]["logExcerpt"]))
        self.assertEqual(
            [record["engineKey"] for record in records if record["type"] == "engine-starting"], ["bad", "good"]
        )
        self.assertEqual([record["cell"] for record in records if record["type"] == "cell-done"], ["c"])
        self.assertEqual(records[-1]["outcome"], "completed")

    def test_a_run_ends_where_so_many_cells_have_failed(self):
        cells = [fake_cell(name, "--exit", "1", key=name) for name in "abc"]
        records = self.run_to_end(cells, telemetry=False, more={"mostFailures": 2})
        self.assertEqual([record["cell"] for record in records if record["type"] == "cell-failed"], ["a", "b"])
        self.assertEqual(records[-1]["outcome"], "failed")
        self.assertIn("2 cells have failed", records[-1]["message"])

    def test_an_engine_that_is_not_there(self):
        failure = self.failure(fake_cell("a", argv=["no-such-engine", "serve", "m"]))
        self.assertEqual((failure["kind"], failure["phase"]), ("not-found", "start"))
        self.assertIn("no-such-engine", failure["message"])

    def test_an_engine_that_does_not_get_ready(self):
        failure = self.failure(fake_cell("a", "--never-ready", ready=4))
        self.assertEqual((failure["kind"], failure["phase"]), ("timeout", "ready"))

    def test_an_engine_that_serves_another_model(self):
        failure = self.failure(fake_cell("a", model="other"))
        self.assertEqual((failure["kind"], failure["phase"]), ("refused", "ready"))
        self.assertIn("fake-model, not other", failure["message"])

    def test_a_cell_that_takes_longer_than_its_deadline_and_the_next_one_goes_on(self):
        records = self.run_to_end([fake_cell("a", load=ENDLESS, deadline=0.5), fake_cell("b")], telemetry=False)
        failure = next(record for record in records if record["type"] == "cell-failed")
        self.assertEqual((failure["cell"], failure["kind"], failure["phase"]), ("a", "timeout", "load"))
        self.assertEqual([record["cell"] for record in records if record["type"] == "cell-done"], ["b"])

    def test_trials_are_measured_each(self):
        records = self.run_to_end([fake_cell("a", trials=3)], telemetry=False)
        self.assertEqual([record["trial"] for record in records if record["type"] == "trial-measured"], [0, 1, 2])

    def test_an_engine_that_ignores_signals_and_its_runaway_child_are_ended(self):
        self.start([fake_cell("a", "--ignore-signals", "--child", load=ENDLESS, deadline=300)], telemetry=False)
        self.follow().until("cell-started")
        self.assertEqual(len(self.engines()), 3, "the engine, the shell that it started, and what that sleeps in")
        # As the kernel would, were the worker to be killed: its engine goes at once, the runaway child by its mark.
        os.kill(self.processes()["worker"]["pid"], 9)
        self.assertEqual(self.follow().end(), {"type": "follow-end", "state": "interrupted"})
        self.assert_nothing_left()

    def test_a_second_run_of_the_same_name_is_refused_and_the_first_goes_on(self):
        self.start([fake_cell("a", load=ENDLESS)], telemetry=False)
        records, status = self.agent("run", run_request([fake_cell("a")]))
        self.assertEqual((records[0]["code"], status), ("run-exists", 1))
        self.assertEqual(self.statuses()[0]["state"], "running")
        self.assertEqual(self.agent("cancel", {"run": "20261123T120000Z-test"})[1], 0)

    def test_a_gpu_is_held_by_one_run_at_a_time(self):
        self.start([fake_cell("a", load=ENDLESS)], run="first", gpus=[0, 1], telemetry=False)
        records, status = self.agent("run", run_request([fake_cell("a")], run="second", gpus=[1, 2]))
        self.assertEqual((records[0]["code"], status), ("gpu-locked", 1))
        self.assertIn("first", records[0]["message"])
        self.assertFalse(os.path.exists(self.run_folder("second")), "a refused run leaves its name free")
        self.assertEqual(self.agent("cancel", {"run": "first"})[1], 0)
        records = self.run_to_end([fake_cell("a")], run="second", gpus=[1, 2], telemetry=False)
        self.assertEqual(records[-1]["outcome"], "completed")

    def test_the_engine_is_given_its_gpus(self):
        code = "import os;print('visible', os.environ['CUDA_VISIBLE_DEVICES'], os.environ['CUDA_DEVICE_ORDER'], flush=True);raise SystemExit(3)"
        self.run_to_end([fake_cell("a", argv=[sys.executable, "-c", code])], gpus=[3, 5], telemetry=False)
        with open(os.path.join(self.run_folder(), "engine-k1.log")) as file:
            self.assertIn("visible 3,5 PCI_BUS_ID", file.read())

    def test_the_channel_that_started_a_run_is_let_go(self):
        # Over SSH a run that kept stdout or stderr open would keep the connection: reading to the end is the proof.
        self.start([fake_cell("a", load=load_profile(requests=4))], telemetry=False)
        self.follow().end()


if __name__ == "__main__":
    unittest.main()
