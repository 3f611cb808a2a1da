"""A task that has itself queued again, from a (fake) Slurm that refuses, is away, or loses its answers."""

import os
import time
import unittest
from types import SimpleNamespace
from unittest import mock

from fake_slurm import FakeSlurm
from support import AgentTest

from loadline_agent.errors import AgentError
from loadline_agent.runs.folder import RunFolder
from loadline_agent.runs.slurm import again
from loadline_agent.runs.slurm.again import queue_again
from loadline_agent.runs.slurm.place import Place, note_cancelling


class QueueAgainTest(AgentTest):
    def setUp(self):
        super().setUp()
        self.slurm = FakeSlurm(self.folder)
        self.whole = RunFolder(self.folder, "r")
        os.makedirs(self.whole.path)
        #: What happens between two questions.
        self.pauses = []
        for patch in (
            mock.patch.dict(os.environ, self.slurm.environment),
            mock.patch.object(again, "time", SimpleNamespace(monotonic=time.monotonic, sleep=self.pause)),
        ):
            patch.start()
            self.addCleanup(patch.stop)

    def pause(self, _seconds):
        self.pauses.pop(0)()

    def queue(self, restarts=0):
        queue_again(self.whole, Place("41", 2, "n1", restarts, None))

    def asked(self):
        return [arguments for arguments, _ in self.slurm.calls("scontrol") if arguments[0] == "requeue"]

    def test_it_names_itself_and_not_its_whole_array(self):
        self.queue()
        self.assertEqual(self.asked(), [["requeue", "Incomplete", "41_2"]])
        self.assertEqual(self.slurm.calls("scancel"), [])

    def test_a_refusal_is_told_in_slurms_words(self):
        self.slurm.fails("scontrol-requeue", "Requested operation is presently disabled")
        with self.assertRaises(AgentError) as refused:
            self.queue()
        self.assertIn("Requested operation is presently disabled", str(refused.exception))
        self.assertIn("Resume the run", str(refused.exception))
        self.assertEqual(len(self.asked()), 1)

    def test_a_controller_that_is_away_is_asked_until_it_is_back(self):
        self.slurm.fails("scontrol", "Unable to contact slurm controller (connect failure)")
        self.pauses = [lambda: None, lambda: self.slurm.mends("scontrol")]
        self.queue()
        self.assertEqual(len(self.asked()), 3)

    def test_an_answer_that_was_lost_is_no_refusal(self):
        self.slurm.fails("scontrol-requeue", "Socket timed out on send/recv operation")
        self.slurm.say("fields", "JobState=PENDING Restarts=3")
        self.queue(restarts=2)
        self.assertEqual(len(self.asked()), 1)

    def test_a_run_that_was_cancelled_meanwhile_does_not_come_back(self):
        note_cancelling(self.whole)
        self.queue()
        self.assertEqual([arguments for arguments, _ in self.slurm.calls("scancel")], [["--quiet", "41_2"]])


if __name__ == "__main__":
    unittest.main()
