"""Whatever ends a run in mid-work: nothing of it stays behind, and resume completes it with every cell there once."""

import json
import os
import select
import signal
import time
import unittest
from unittest import mock

from loadline_agent.runs import load
from support import ENDLESS, SHORT, AgentTest, fake_cell, simulated_cell

RUN = "20261123T120000Z-test"


def three_cells(held, *options):
    """The second is in mid-load when the tests strike."""
    return [
        fake_cell("a", *options),
        fake_cell("b", *held, *options, key="slow", load=SHORT, trials=2),
        fake_cell("c", *options, key="other"),
    ]


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(word) for word in file.read().split()]


class KilledTest(AgentTest):
    def strike(self, *names, options=()):
        """Starts, waits until cell b is under load, kills these processes, and follows to the end."""
        self.start(three_cells(self.hold(), *options))
        follower = self.follow()
        follower.until("cell-progress", cell="b")
        self.kill_together(*names)
        return follower

    def resumed(self):
        self.release()
        records, status = self.agent("resume", {"run": RUN})
        self.assertEqual((status, records[0]["type"]), (0, "run-accepted"), records)
        self.assertEqual(self.follow().end(), {"type": "follow-end", "state": "finished"})
        self.assert_nothing_left()
        records = self.assert_journal_sound()
        self.assertEqual([record["cell"] for record in records if record["type"] == "cell-done"], ["a", "b", "c"])
        self.assertEqual(
            [(record["cell"], record["trial"]) for record in records if record["type"] == "trial-measured"],
            [("a", 0), ("b", 0), ("b", 1), ("c", 0)],
        )
        self.assertEqual(records[-1]["outcome"], "completed")
        return records

    def struck_and_resumed(self, *names, options=()):
        follower = self.strike(*names, options=options)
        self.assertEqual(follower.end(), {"type": "follow-end", "state": "interrupted"})
        self.assert_nothing_left()
        self.assertEqual(self.statuses()[0]["state"], "interrupted")
        records = self.resumed()
        self.assertEqual(next(record for record in records if record["type"] == "run-resumed")["remaining"], 2)

    def test_worker_killed(self):
        self.struck_and_resumed("worker")

    def test_worker_killed_with_a_child_of_the_engine_that_left_its_group(self):
        self.struck_and_resumed("worker", options=("--child",))

    def test_supervisor_killed(self):
        self.struck_and_resumed("supervisor")

    def test_both_killed(self):
        self.struck_and_resumed("supervisor", "worker")

    def test_both_killed_and_what_left_the_engines_group_is_ended_by_resume(self):
        follower = self.strike("supervisor", "worker", options=("--child",))
        self.assertEqual(follower.end()["state"], "interrupted")
        left = self.engines()
        self.assertTrue(left, "a child that ignores signals in a session of its own outlives them")
        self.resumed()
        self.assertFalse(set(left) & set(self.engines()))

    def test_both_killed_and_what_is_left_is_ended_by_cancel(self):
        self.strike("supervisor", "worker", options=("--child",)).end()
        self.assertEqual(self.agent("cancel", {"run": RUN})[0], [{"type": "cancelled", "run": RUN}])
        self.assert_nothing_left()
        self.assertEqual(self.assert_journal_sound()[-1]["outcome"], "cancelled")

    def test_a_run_on_a_gpu_ends_what_a_killed_one_left_on_it(self):
        self.start([fake_cell("a", "--child", load=ENDLESS)], run="first", gpus=[0], telemetry=False)
        self.follow("first").until("cell-progress")
        left = self.engines()
        self.kill_together("supervisor", "worker", run="first")
        self.assertEqual(self.follow("first").end()["state"], "interrupted")
        self.start([fake_cell("b")], run="second", gpus=[0], telemetry=False)
        self.assertEqual(self.follow("second").end()["state"], "finished")
        self.assertFalse(set(left) & set(self.engines()))
        self.assert_nothing_left()

    def test_an_engine_that_is_killed_once_is_started_again_and_its_cell_has_its_result(self):
        follower = self.strike("engine")
        self.release()
        self.assertEqual(follower.end(), {"type": "follow-end", "state": "finished"})
        self.assert_nothing_left()
        records = self.assert_journal_sound()
        (warning,) = [record["message"] for record in records if record["type"] == "warning"]
        self.assertIn("killed", warning)
        self.assertEqual([record["cell"] for record in records if record["type"] == "cell-done"], ["a", "b", "c"])

    def test_an_engine_that_is_killed_twice_fails_its_cell_and_the_run_goes_on(self):
        follower = self.strike("engine")
        follower.until("warning")
        first = len(follower.journal)
        while not any(record["type"] == "cell-progress" for record in follower.journal[first:]):
            self.assertIsNotNone(follower.read())
        self.kill_together("engine")
        self.assertEqual(follower.end(), {"type": "follow-end", "state": "finished"})
        self.assert_nothing_left()
        records = self.assert_journal_sound()
        failure = next(record for record in records if record["type"] == "cell-failed")
        self.assertEqual((failure["cell"], failure["kind"], failure["phase"]), ("b", "killed", "load"))
        self.assertEqual([record["cell"] for record in records if record["type"] == "cell-done"], ["a", "c"])

    def test_a_load_generator_and_what_writes_the_log_are_started_again_when_they_are_killed(self):
        self.start(three_cells(self.hold()), telemetry=False)
        follower = self.follow()
        follower.until("cell-progress", cell="b")
        known = self.processes()
        helpers = set(children(known["worker"]["pid"])) - {known["engine"]["pid"]}
        self.assertEqual(len(helpers), 2)
        for helper in helpers:
            os.kill(helper, signal.SIGKILL)
        self.release()
        self.assertEqual(follower.end(), {"type": "follow-end", "state": "finished"})
        records = self.assert_journal_sound()
        self.assertEqual([record["cell"] for record in records if record["type"] == "cell-done"], ["a", "b", "c"])

    def test_telemetry_goes_on_after_a_gap(self):
        self.assertEqual(self.strike("worker").end()["state"], "interrupted")
        path = os.path.join(self.run_folder(), "telemetry.jsonl")
        with open(path, encoding="utf-8") as file:
            lines = list(file)
        # A busy machine may have missed a tick just then: after a gap the file begins anew.
        last = max(at for at, line in enumerate(lines) if json.loads(line)["type"] == "telemetry")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(lines[: last + 1])
        self.resumed()
        with open(path, encoding="utf-8") as file:
            lines = [json.loads(line) for line in file]
        gaps = [line for line in lines if line["type"] == "telemetry-gap" and "interrupted" in line["cause"]]
        self.assertEqual(len(gaps), 1)
        seqs = [line["seq"] for line in lines if line["type"] == "telemetry"]
        self.assertEqual(seqs, list(range(len(seqs))))
        self.assertEqual([line["type"] for line in lines].count("telemetry-header"), 1)

    def test_an_active_run_is_not_resumed(self):
        self.start([fake_cell("a", load=ENDLESS, deadline=600.0)], telemetry=False)
        records, status = self.agent("resume", {"run": RUN})
        self.assertEqual((records[0]["code"], status), ("run-active", 1))
        self.agent("cancel", {"run": RUN})

    def test_a_complete_run_has_nothing_to_resume(self):
        self.start([simulated_cell("a"), simulated_cell("b")], telemetry=False)
        self.follow().end()
        records, status = self.agent("resume", {"run": RUN})
        self.assertEqual((records[0]["code"], status), ("nothing-to-resume", 1))

    def test_a_cell_that_was_measured_whole_is_done_without_an_engine(self):
        self.start([fake_cell("a", trials=2)], telemetry=False)
        self.follow().end()
        journal = os.path.join(self.run_folder(), "journal.jsonl")
        with open(journal, encoding="utf-8") as file:
            lines = list(file)
        last_trial = max(at for at, line in enumerate(lines) if json.loads(line)["type"] == "trial-measured")
        with open(journal, "w", encoding="utf-8") as file:
            file.writelines(lines[: last_trial + 1])
        # An engine that would fail now, were it started.
        path = os.path.join(self.run_folder(), "request.json")
        with open(path, encoding="utf-8") as file:
            request = json.load(file)
        request["cells"][0]["engine"]["argv"] = ["no-such-engine"]
        with open(path, "w", encoding="utf-8") as file:
            json.dump(request, file)
        self.assertEqual(self.agent("resume", {"run": RUN, "acceptChanges": True})[1], 0)
        self.assertEqual(self.follow().end()["state"], "finished")
        after = self.assert_journal_sound()[last_trial + 1 :]
        self.assertEqual([record["type"] for record in after], ["run-resumed", "warning", "cell-done", "run-finished"])

    def test_a_start_that_was_cut_off_is_made_whole_by_resume(self):
        self.start([fake_cell("a")], telemetry=False)
        self.follow().end()
        path = os.path.join(self.run_folder(), "environment.json")
        with open(path, encoding="utf-8") as file:
            written = json.load(file)
        # As a client that gave up, or a host that stopped, left it: no environment and no journal yet.
        for name in ("environment.json", "journal.jsonl"):
            os.unlink(os.path.join(self.run_folder(), name))
        self.assertEqual(self.agent("resume", {"run": RUN})[1], 0)
        self.assertEqual(self.follow().end()["state"], "finished")
        with open(path, encoding="utf-8") as file:
            again = json.load(file)
        self.assertEqual((again["commit"], again["host"]["gpus"]), (written["commit"], written["host"]["gpus"]))

    def test_a_torn_last_line_is_cut_off_and_said(self):
        self.strike("supervisor", "worker").end()
        path = os.path.join(self.run_folder(), "journal.jsonl")
        with open(path, "rb") as file:
            whole = file.read()
        with open(path, "ab") as file:
            file.write(b'{"seq":99,"monotonicMs":1,"type":"cell-do')
        self.assertEqual(self.follow().files.get("journal.jsonl", b""), b"")
        follower = self.follow()
        follower.end()
        self.assertEqual(
            follower.files["journal.jsonl"], whole, "a torn line is not sent: it will not be there any more"
        )
        records = self.resumed()
        warnings = [record["message"] for record in records if record["type"] == "warning"]
        self.assertEqual(len(warnings), 1)
        self.assertIn("torn", warnings[0])


class EngineThatEndsTest(unittest.TestCase):
    """An engine's connections close a moment before it counts as ended: what was measured then is no result."""

    def measured(self, failures, ended_after):
        looks = iter(range(1000))

        def generate(parent, writing, *_):
            os.write(writing, json.dumps({"measurement": {"requests": {"failure": failures}}}).encode() + b"\n")
            os._exit(0)

        watch = mock.Mock()
        watch.wait = lambda seconds, readable=(): bool(select.select(readable, [], [], seconds)[0])
        with mock.patch.object(load, "generate", generate):
            return load.measure(
                watch,
                [],
                {"warmupRequests": 0},
                time.monotonic() + 60,
                lambda *_: None,
                lambda: "by SIGKILL" if next(looks) >= ended_after else None,
            )

    def test_answers_that_were_cut_off_wait_for_its_end(self):
        for failure in ("connect", "incomplete-stream"):
            with self.assertRaises(load.EngineGone):
                self.measured([None, failure], ended_after=5)

    def test_other_answers_do_not(self):
        self.assertEqual(self.measured([None, "timeout"], ended_after=5)["requests"]["failure"], [None, "timeout"])


class CancelTest(AgentTest):
    def test_cancel_ends_the_engine_and_says_so(self):
        cells = [fake_cell("a"), fake_cell("b", key="slow", load=ENDLESS, deadline=600.0), fake_cell("c", key="other")]
        self.start(cells)
        follower = self.follow()
        follower.until("cell-progress", cell="b")
        self.assertEqual(self.agent("cancel", {"run": RUN}), ([{"type": "cancelled", "run": RUN}], 0))
        self.assert_nothing_left()
        self.assertEqual(follower.end(), {"type": "follow-end", "state": "finished"})
        records = self.assert_journal_sound()
        self.assertEqual((records[-1]["type"], records[-1]["outcome"]), ("run-finished", "cancelled"))
        self.assertEqual([record["cell"] for record in records if record["type"] == "cell-done"], ["a"])

    def test_a_signal_to_everything_of_the_run_at_once_is_no_failure_of_its_cell(self):
        # As a scheduler sends it, or a machine that shuts down. The engine hears it first here.
        self.start([fake_cell("a", load=ENDLESS, deadline=600.0)], telemetry=False)
        follower = self.follow()
        follower.until("cell-progress")
        for pid in [*self.engines(), self.processes()["supervisor"]["pid"]]:
            os.kill(pid, signal.SIGTERM)
        self.assertEqual(follower.end(), {"type": "follow-end", "state": "finished"})
        records = self.assert_journal_sound()
        self.assertEqual((records[-1]["type"], records[-1]["outcome"]), ("run-finished", "cancelled"))
        self.assertEqual([record for record in records if record["type"] == "cell-failed"], [])
        self.assert_nothing_left()

    def test_cancel_while_an_engine_starts(self):
        self.start([fake_cell("a", "--never-ready", ready=1000)], telemetry=False)
        self.follow().until("engine-starting")
        self.assertEqual(self.agent("cancel", {"run": RUN})[1], 0)
        self.assert_nothing_left()
        self.assertEqual(self.assert_journal_sound()[-1]["outcome"], "cancelled")

    def test_a_cancelled_run_can_be_resumed(self):
        self.start(three_cells(self.hold()))
        self.follow().until("cell-progress", cell="b")
        self.agent("cancel", {"run": RUN})
        self.release()
        self.assertEqual(self.agent("resume", {"run": RUN})[1], 0)
        self.assertEqual(self.follow().end()["state"], "finished")
        records = self.assert_journal_sound()
        self.assertEqual([record["cell"] for record in records if record["type"] == "cell-done"], ["a", "b", "c"])
        self.assertEqual(records[-1]["outcome"], "completed")

    def test_cancel_of_a_run_that_is_over_changes_nothing(self):
        self.start([simulated_cell("a")], telemetry=False)
        self.follow().end()
        before = self.assert_journal_sound()
        self.assertEqual(self.agent("cancel", {"run": RUN})[1], 0)
        self.assertEqual(self.assert_journal_sound(), before)

    def test_a_run_that_is_not_there(self):
        for verb in ("cancel", "resume", "follow"):
            records, status = self.agent(verb, {"run": "nowhere", "offsets": {}})
            self.assertEqual((records[0]["code"], status), ("no-such-run", 1))


class LeaseTest(AgentTest):
    def test_a_run_that_nobody_follows_ends_itself(self):
        self.start([fake_cell("a", load=ENDLESS, deadline=1000)], lease=0.5, telemetry=False)
        # `runs` only looks: it does not renew the lease.
        while self.statuses()[0]["state"] == "running":
            pass
        self.assert_nothing_left()
        last = self.assert_journal_sound()[-1]
        self.assertEqual((last["type"], last["outcome"]), ("run-finished", "cancelled"))
        self.assertIn("0.5 s", last["message"])

    def test_a_follower_keeps_it_going(self):
        lease = 6.0
        self.start([fake_cell("a", *self.hold(), load=SHORT)], lease=lease, telemetry=False)
        follower = self.follow()
        began = follower.until("run-started")["monotonicMs"]
        # A load that is held tells each second how far it is.
        while follower.journal[-1]["monotonicMs"] - began < 1200 * lease:
            self.assertIsNotNone(follower.read())
        self.release()
        self.assertEqual(follower.end()["state"], "finished")
        self.assertEqual(self.assert_journal_sound()[-1]["outcome"], "completed")


if __name__ == "__main__":
    unittest.main()
