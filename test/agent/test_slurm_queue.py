"""How a run stands by what (fake) Slurm answers: lost words, lost jobs, a controller that is gone, a submission that nobody wrote down."""

import json
import os
import unittest

from fake_slurm import FakeSlurm
from support import AgentTest, run_request, simulated_cell

from loadline_agent.runs.folder import RunFolder
from loadline_agent.runs.slurm.place import is_cancelled

RUN = "20261123T120000Z-test"


class FakeQueueTest(AgentTest):
    def setUp(self):
        super().setUp()
        self.slurm = FakeSlurm(self.folder)
        self.environment.update(self.slurm.environment)

    def submit(self):
        request = run_request([simulated_cell("a", key="s1"), simulated_cell("b", key="s2")], telemetry=False)
        request["scheduler"] = {"type": "slurm", "partition": "gpu", "arrayLimit": 1}
        return self.agent("run", request)

    def submitted(self):
        records, status = self.submit()
        self.assertEqual((status, records[0]["type"]), (0, "run-accepted"), records)

    def state(self):
        return self.statuses()[0]["state"]

    def states(self):
        """(task, state, reason) as the journal has them."""
        return [
            (record["task"], record["state"], record["reason"])
            for record in self.assert_journal_sound()
            if record["type"] == "job-state"
        ]

    def settle(self, task, cell):
        """As a task does that measured its cell."""
        folder = os.path.join(self.run_folder(), f"task-{task}")
        os.makedirs(folder, exist_ok=True)
        records = [
            {"seq": 0, "type": "cell-done", "cell": cell},
            {"seq": 1, "type": "job-state", "jobId": "41", "task": task, "state": "COMPLETED", "reason": None},
        ]
        with open(os.path.join(folder, "journal.jsonl"), "w") as file:
            for record in records:
                file.write(json.dumps({"monotonicMs": 1, "wallMs": 1, "part": task, **record}) + "\n")

    def says(self, task, state, reason, job="41"):
        """As the last word of a task's own journal."""
        folder = os.path.join(self.run_folder(), f"task-{task}")
        os.makedirs(folder, exist_ok=True)
        record = {"seq": 0, "monotonicMs": 1, "wallMs": 1, "part": task, "type": "job-state", "task": task}
        with open(os.path.join(folder, "journal.jsonl"), "w") as file:
            file.write(json.dumps({**record, "jobId": job, "state": state, "reason": reason}) + "\n")

    def test_what_is_submitted(self):
        self.submitted()
        ((argv, batch),) = self.slurm.calls("sbatch")
        self.assertIn("--array=0-1%1", argv)
        self.assertIn("--partition=gpu", argv)
        self.assertIn("--requeue", argv)
        self.assertTrue(batch.startswith("#!/bin/sh\n"))
        self.assertTrue(batch.endswith(f"slurm-task {RUN}\n"))
        self.assertIn(f"export LOADLINE_HOME={self.home}\n", batch)
        self.assert_nothing_left()

    def test_a_refusal_is_told_in_slurms_words_and_leaves_no_run(self):
        self.slurm.fails(
            "sbatch",
            "sbatch: error: invalid partition specified: gpu\nsbatch: error: Batch job submission failed: Invalid partition name specified",
        )
        records, status = self.submit()
        self.assertEqual((status, records[0]["code"]), (1, "scheduler"))
        self.assertIn("invalid partition specified: gpu", records[0]["message"])
        self.assertIn("Correct `partition` in the plan's `scheduler`", records[0]["message"])
        self.assertEqual(self.statuses(), [])

    def test_a_host_without_slurm_says_so(self):
        self.environment["PATH"] = "/nowhere"
        records, _ = self.submit()
        self.assertEqual(records[0]["code"], "no-scheduler")

    def test_a_change_is_written_once_however_many_look(self):
        self.submitted()
        self.slurm.rows(
            "41|0|RUNNING|gpu|2026-11-25T16:00:00|n1|None", "41|1|PENDING|gpu|2026-11-25T17:00:00||JobArrayTaskLimit"
        )
        for _ in range(3):
            self.assertEqual(self.state(), "running")
        said = self.states()
        self.assertEqual(said.count((0, "RUNNING", "on n1")), 1)
        waiting = [reason for task, state, reason in said if task is None]
        self.assertEqual(len(waiting), 1)
        self.assertIn("expected to start at 2026-11-25 17:00", waiting[0])

    def test_a_controller_that_does_not_answer_ends_nothing(self):
        self.submitted()
        self.slurm.fails("squeue", "Unable to contact slurm controller")
        self.assertEqual(self.state(), "running")
        task, state, reason = self.states()[-1]
        self.assertEqual((task, state), (None, "UNKNOWN"))
        self.assertIn("Unable to contact", reason)

    def test_a_controller_that_answers_again_is_said_to_although_nothing_changed(self):
        self.submitted()
        self.slurm.rows(*(f"41|{task}|RUNNING|gpu|N/A|n1|None" for task in (0, 1)))
        self.assertEqual(self.state(), "running")
        self.slurm.fails("squeue", "Unable to contact slurm controller")
        self.state()
        self.slurm.mends("squeue")
        self.assertEqual(self.state(), "running")
        self.assertEqual(self.states()[-1], (None, "RUNNING", None))
        self.state()
        self.assertEqual([state for task, state, _ in self.states() if task is None], ["UNKNOWN", "RUNNING"])

    def test_a_controller_that_keeps_one_waiting_keeps_no_result_back(self):
        self.submitted()
        self.slurm.rows("41|0|COMPLETED|gpu|N/A|n1|None", "41|1|COMPLETED|gpu|N/A|n1|None")
        release = self.slurm.hangs("squeue")
        follower = self.follow()
        self.settle(0, "a")
        self.settle(1, "b")
        heard = [follower.read() for _ in range(3)]
        while "journal-1.jsonl" not in follower.files or heard[-1]["type"] != "heartbeat":
            heard.append(follower.read())
        self.assertEqual({one["state"] for one in heard if one["type"] == "heartbeat"}, {"running"})
        release()
        self.assertEqual(follower.end()["state"], "finished")

    def test_a_cancel_that_slurm_did_not_hear_changes_nothing(self):
        self.submitted()
        self.slurm.fails("scancel", "Unable to contact slurm controller")
        records, status = self.agent("cancel", {"run": RUN})
        self.assertEqual((status, records[0]["code"]), (1, "scheduler"))
        self.assertFalse(is_cancelled(RunFolder(self.home, RUN)))

    def test_a_job_that_nobody_wrote_down_is_found_by_its_name(self):
        self.submitted()
        path = os.path.join(self.run_folder(), "journal.jsonl")
        with open(path) as file:
            first = file.readline()
        with open(path, "w") as file:
            file.write(first)
        self.slurm.rows("41|0|RUNNING|gpu|N/A|n1|None", "41|1|PENDING|gpu|N/A||Resources")
        self.assertEqual(self.state(), "running")
        submitted = [record for record in self.assert_journal_sound() if record["type"] == "job-submitted"]
        self.assertEqual([(record["jobId"], record["tasks"]) for record in submitted], [("41", 2)])

    def test_a_run_is_finished_when_every_cell_is_although_slurm_forgot_the_jobs(self):
        self.submitted()
        self.settle(0, "a")
        self.settle(1, "b")
        self.assertEqual(self.state(), "finished")
        self.assertEqual(self.statuses()[0]["cellsDone"], 2)
        self.assertEqual(self.assert_journal_sound()[-1]["outcome"], "completed")

    def test_a_job_that_slurm_forgot_is_interrupted_and_resume_submits_what_is_left(self):
        self.submitted()
        self.settle(0, "a")
        self.assertEqual(self.state(), "interrupted")
        self.assertIn((0, "COMPLETED", None), self.states())
        self.assertEqual(self.states()[-1][:2], (None, "ENDED"))
        self.assertIn("1 of 2 cells", self.states()[-1][2])
        self.slurm.say("job", "42")
        records, status = self.agent("resume", {"run": RUN})
        self.assertEqual((status, records[0]["type"]), (0, "run-accepted"))
        self.assertIn("--array=1%1", self.slurm.calls("sbatch")[-1][0])
        self.slurm.rows("42|1|RUNNING|gpu|N/A|n1|None", "41|1|CANCELLED|gpu|N/A||None")
        self.assertEqual(self.state(), "running")
        records, _ = self.agent("resume", {"run": RUN})
        self.assertEqual(records[0]["code"], "run-active")

    def test_a_task_that_never_began_tells_its_last_output(self):
        self.submitted()
        with open(os.path.join(self.run_folder(), "slurm-0.log"), "w") as file:
            file.write("/bin/sh: 3: exec: /usr/bin/python3: not found\n")
        self.slurm.rows("41|0|FAILED|gpu|N/A|n1|NonZeroExitCode", "41|1|FAILED|gpu|N/A|n1|NonZeroExitCode")
        self.assertEqual(self.state(), "interrupted")
        reason = next(reason for task, state, reason in self.states() if (task, state) == (0, "FAILED"))
        self.assertIn("/usr/bin/python3: not found", reason)

    def test_why_it_waits_again_is_told_with_what_slurm_says(self):
        self.submitted()
        self.says(0, "REQUEUED", "The time limit (00:10:00) is near: stopped cleanly and queued again.")
        self.slurm.rows("41|0|PENDING|gpu|N/A||BeginTime", "41|1|RUNNING|gpu|N/A|n1|None")
        self.assertEqual(self.state(), "running")
        said = [reason for task, state, reason in self.states() if state == "PENDING" and reason]
        self.assertEqual(len(said), 2)
        for reason in said:
            self.assertTrue(reason.startswith("The time limit (00:10:00) is near: stopped cleanly and queued again. BeginTime"))

    def test_a_task_that_was_to_start_again_and_could_not(self):
        self.submitted()
        self.says(0, "REQUEUED", "The time limit (00:10:00) is near: stopped cleanly and queued again.")
        with open(os.path.join(self.run_folder(), "slurm-0.log"), "w") as file:
            file.write('{"type": "error", "code": "run-active", "message": "It is still going on elsewhere."}\n')
        self.slurm.rows("41|0|FAILED|gpu|N/A|n1|NonZeroExitCode", "41|1|COMPLETED|gpu|N/A|n1|None")
        self.settle(1, "b")
        self.assertEqual(self.state(), "interrupted")
        (reason,) = [reason for task, state, reason in self.states() if (task, state) == (0, "FAILED")]
        self.assertIn("ended before it began", reason)
        self.assertTrue(reason.endswith("its output ends in: It is still going on elsewhere."), reason)

    def test_what_a_task_said_of_an_earlier_job_is_not_said_of_this_one(self):
        self.submitted()
        self.says(0, "TIMEOUT", "Nothing was measured.", job="40")
        self.slurm.rows("41|0|FAILED|gpu|N/A|n1|NonZeroExitCode", "41|1|RUNNING|gpu|N/A|n1|None")
        self.assertEqual(self.state(), "running")
        self.assertIn((0, "FAILED", "NonZeroExitCode: its script failed"), self.states())

    def test_a_job_that_somebody_stopped_has_not_ended(self):
        self.submitted()
        self.slurm.rows("41|0|STOPPED|gpu|N/A|n1|None", "41|1|COMPLETED|gpu|N/A|n1|None")
        self.assertEqual(self.state(), "running")

    def test_a_job_that_slurm_calls_completed_with_cells_left_is_interrupted(self):
        self.submitted()
        self.slurm.rows("41|0|COMPLETED|gpu|N/A|n1|None", "41|1|COMPLETED|gpu|N/A|n1|None")
        self.assertEqual(self.state(), "interrupted")
        self.assertIn((0, "ENDED", "Slurm calls it completed, and 1 of its cells have no result"), self.states())

    def test_cancel_waits_until_slurm_has_nothing_of_it(self):
        self.submitted()
        self.assertEqual(self.agent("cancel", {"run": RUN})[0], [{"type": "cancelled", "run": RUN}])
        (arguments, _) = self.slurm.calls("scancel")[0]
        self.assertTrue(any(word.startswith(f"--name=loadline-{RUN}-") for word in arguments))
        self.assertEqual(self.assert_journal_sound()[-1]["outcome"], "cancelled")
        self.assertEqual(self.state(), "finished")


if __name__ == "__main__":
    unittest.main()
