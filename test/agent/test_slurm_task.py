"""The agent inside a job of (fake) Slurm: what it makes of the signal before its time limit, and how it begins after another start of it."""

import fcntl
import json
import os
import signal
import unittest
from types import SimpleNamespace
from unittest import mock

from fake_slurm import FakeSlurm
from support import ENDLESS, RUN, AgentTest, run_request, simulated_cell

from loadline_agent import locks
from loadline_agent.runs.folder import RunFolder
from loadline_agent.runs.slurm.place import Place, note_cancelling
from loadline_agent.runs.slurm.task import TaskSupervisor
from loadline_agent.runs.slurm.tasks import TaskFolder


class SlurmTaskTest(AgentTest):
    def setUp(self):
        super().setUp()
        self.slurm = FakeSlurm(self.folder)
        self.environment.update(self.slurm.environment)
        cells = [simulated_cell("a", key="s1"), simulated_cell("b", key="s2"), simulated_cell("c", key="s2")]
        cells[2]["load"] = ENDLESS
        self.request = run_request(cells, telemetry=False)
        self.request["scheduler"] = {"type": "slurm"}
        records, status = self.agent("run", self.request)
        self.assertEqual((status, records[0]["type"]), (0, "run-accepted"), records)
        self.slurm.rows(*(f"41|{task}|RUNNING|gpu|N/A|n1|None" for task in (0, 1)))

    def job(self, task, restarts=0):
        """Starts the task as slurmd does. The number of the last task's own job is that of the whole array."""
        place = {
            "SLURM_ARRAY_JOB_ID": "41",
            "SLURM_JOB_ID": "41",
            "SLURM_ARRAY_TASK_ID": str(task),
            "SLURMD_NODENAME": "n1",
            "SLURM_RESTART_COUNT": str(restarts),
        }
        return self.spawn("slurm-task", None, arguments=[RUN], environment=place)

    def ended(self, process):
        process.stdin.close()
        process.stdout.read()
        process.stdout.close()
        return process.wait()

    def told_in_last_cell(self, process, start=1):
        """Signals it as Slurm does when the limit is near, once it has begun with its last cell in this start; gives its exit status."""
        follower = self.follow()
        while [one.get("cell") for one in lines_of(follower.files, 1) if one["type"] == "cell-started"].count("c") < start:
            self.assertIsNotNone(follower.read())
        follower.close()
        process.send_signal(signal.SIGTERM)
        return self.ended(process)

    def last(self, task):
        with open(os.path.join(self.run_folder(), f"task-{task}", "journal.jsonl")) as file:
            return [json.loads(line) for line in file][-1]

    def asked(self):
        return [arguments for arguments, _ in self.slurm.calls("scontrol")]

    def test_it_is_queued_again_by_its_own_name_and_only_while_it_gets_on(self):
        self.assertEqual(self.told_in_last_cell(self.job(1)), 0)
        self.assertEqual(self.last(1)["state"], "REQUEUED")
        self.assertEqual(
            self.asked(), [["show", "job", "--oneliner", "41_1"], ["requeue", "Incomplete", "41_1"]]
        )
        self.slurm.say("fields", "JobState=RUNNING Restarts=1 TimeLimit=00:10:00")
        self.assertEqual(self.told_in_last_cell(self.job(1, restarts=1), start=2), 1)
        self.assertEqual(self.last(1)["state"], "TIMEOUT")
        self.assertIn("Nothing was measured within the time limit (00:10:00)", self.last(1)["reason"])
        self.assertEqual(len([words for words in self.asked() if words[0] == "requeue"]), 1)
        self.assert_nothing_left()

    def test_what_slurm_queued_again_itself_it_is_not_asked_for(self):
        self.slurm.say("fields", "JobState=PENDING Restarts=1")
        self.assertEqual(self.told_in_last_cell(self.job(1)), 0)
        self.assertIn("Slurm took the job back", self.last(1)["reason"])
        self.assertEqual([words[0] for words in self.asked()], ["show"])

    def test_a_refusal_is_its_last_word(self):
        self.slurm.fails("scontrol-requeue", "Requested operation is presently disabled")
        self.assertEqual(self.told_in_last_cell(self.job(1)), 1)
        self.assertEqual(self.last(1)["state"], "FAILED")
        self.assertIn("Requested operation is presently disabled", self.last(1)["reason"])

    def test_a_task_of_a_cancelled_run_does_not_begin(self):
        note_cancelling(RunFolder(self.home, RUN))
        self.assertEqual(self.ended(self.job(0)), 1)
        self.assertEqual((self.last(0)["seq"], self.last(0)["state"]), (0, "CANCELLED"))

    def test_it_waits_for_the_start_before_it_which_still_ends(self):
        own = TaskFolder(RunFolder(self.home, RUN), 0)
        own.ensure()
        held = os.open(own.lock_path, os.O_RDWR | os.O_CREAT)
        fcntl.flock(held, fcntl.LOCK_EX)
        clock = [0.0]

        def sleep(seconds):
            clock[0] += seconds
            if clock[0] > 30:
                fcntl.flock(held, fcntl.LOCK_UN)

        with mock.patch.object(locks, "time", SimpleNamespace(monotonic=lambda: clock[0], sleep=sleep)):
            supervisor = TaskSupervisor(own, self.request, [], Place("41", 0, "n2", 1, None))
            supervisor.begin()
        os.close(held)
        self.assertEqual(self.last(0)["reason"], "on n2, started again (1)")
        self.assertGreater(clock[0], 30)


def lines_of(files, task):
    return [json.loads(line) for line in files.get(f"journal-{task}.jsonl", b"").splitlines()]


if __name__ == "__main__":
    unittest.main()
