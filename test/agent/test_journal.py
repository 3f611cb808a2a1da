"""The journal on disk: whole records or none."""

import json
import os
import resource
import tempfile
import unittest

from loadline_agent.errors import AgentError, DiskFull
from loadline_agent.runs.journal import FILE, Journal, Progress, cut_torn_line, last_line


class JournalTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.path = os.path.join(folder.name, FILE)

    def journal(self):
        journal = Journal(self.folder)
        self.addCleanup(journal.close)
        return journal

    def read(self):
        with open(self.path, "rb") as file:
            return file.read()

    def test_seq_goes_on_where_it_stopped(self):
        first = self.journal()
        first.append("warning", message="one")
        first.append("warning", message="two\nlines, and Ω")
        self.journal().append("warning", message="three")
        self.assertEqual([json.loads(line)["seq"] for line in self.read().splitlines()], [0, 1, 2])

    def test_cut_at_every_byte_it_is_whole_again_after_opening(self):
        journal = self.journal()
        for index in range(3):
            journal.append("cell-done", cell=f"cell {index}")
        whole = self.read()
        for length in range(len(whole) + 1):
            with open(self.path, "wb") as file:
                file.write(whole[:length])
            reopened = Journal(self.folder)
            expected = whole[:length].count(b"\n")
            self.assertEqual(reopened.torn_bytes, length - len(b"".join(whole.splitlines(True)[:expected])))
            reopened.append("warning", message="on")
            reopened.close()
            self.assertEqual([json.loads(line)["seq"] for line in self.read().splitlines()], list(range(expected + 1)))

    def test_a_record_that_does_not_fit_leaves_nothing(self):
        journal = self.journal()
        journal.append("warning", message="fits")
        before = self.read()
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 50, hard))
        try:
            with self.assertRaises(DiskFull):
                journal.append("warning", message="x" * 100)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        self.assertEqual(self.read(), before)
        journal.append("warning", message="fits again")
        self.assertEqual([json.loads(line)["seq"] for line in self.read().splitlines()], [0, 1])

    def test_a_last_line_longer_than_a_block(self):
        journal = self.journal()
        journal.append("warning", message="x" * 200000)
        self.assertEqual(len(last_line(self.path)["message"]), 200000)
        with open(self.path, "ab") as file:
            file.write(b"y" * 150000)
        self.assertEqual(cut_torn_line(self.path), 150000)
        self.assertEqual(len(last_line(self.path)["message"]), 200000)

    def test_a_journal_changed_from_outside_is_not_gone_on_with(self):
        with open(self.path, "w") as file:
            file.write("not a record\n")
        with self.assertRaises(AgentError) as raised:
            Journal(self.folder)
        self.assertEqual(raised.exception.code, "journal-damaged")

    def test_progress(self):
        journal = self.journal()
        journal.append("trial-measured", cell="a", trial=0)
        journal.append("cell-done", cell="a")
        journal.append("cell-failed", cell="b", phase="start", kind="refused")
        journal.append("trial-measured", cell="c", trial=0)
        progress = Progress(
            self.folder, [{"id": "a", "engineKey": "x"}, {"id": "b", "engineKey": "y"}, {"id": "c", "engineKey": "z"}]
        )
        self.assertEqual(progress.settled, {"a", "b"})
        self.assertEqual(progress.measured, {("a", 0), ("c", 0)})
        self.assertEqual([(key, record["kind"]) for key, record in progress.engine_failures], [("y", "refused")])
        self.assertFalse(progress.finished)


if __name__ == "__main__":
    unittest.main()
