"""A disk that fills up in mid-run: the engine ends, the reason is told, nothing is torn, resume goes on after space was made."""

import os
import resource
import subprocess
import tempfile
import unittest

from support import SHORT, AgentTest, fake_cell, run_request

RUN = "20261123T120000Z-test"


def mount(folder, **options):
    command = ["mount", "-t", "tmpfs", "-o", "size=512k,mode=700", "loadline-test", folder]
    return subprocess.run(command, stderr=subprocess.DEVNULL, **options).returncode == 0


def can_mount():
    with tempfile.TemporaryDirectory() as folder:
        return mount(folder) and subprocess.run(["umount", folder]).returncode == 0


class FullDisk(AgentTest):
    def cells(self):
        return [fake_cell("a"), fake_cell("b", *self.hold(), load=SHORT, key="slow"), fake_cell("c", key="other")]

    def assert_ended_by_the_full_disk(self, follower):
        last = follower.end()
        self.assertEqual((last["type"], last["code"]), ("error", "disk-full"))
        self.assertIn("resume", last["message"])
        self.assert_nothing_left()
        records = self.assert_journal_sound()
        self.assertEqual([record["cell"] for record in records if record["type"] == "cell-done"], ["a"])

    def assert_resumes(self):
        self.release()
        self.assertEqual(self.agent("resume", {"run": RUN})[1], 0)
        self.assertEqual(self.follow().end(), {"type": "follow-end", "state": "finished"})
        self.assert_nothing_left()
        records = self.assert_journal_sound()
        self.assertEqual([record["cell"] for record in records if record["type"] == "cell-done"], ["a", "b", "c"])
        self.assertEqual(records[-1]["outcome"], "completed")


class FileSizeLimitTest(FullDisk):
    """Takes no privileges, and the same way out of the same kind of error."""

    def test_a_file_size_limit(self):
        request = run_request(self.cells())
        request["telemetry"]["intervalMs"] = 10
        records, status = self.agent("run", request)
        self.assertEqual(status, 0, records)
        follower = self.follow()
        follower.until("cell-progress", cell="b")
        # The file that grows without an end is the one that gets there.
        telemetry = os.path.join(self.run_folder(), "telemetry.jsonl")
        limit = max(map(os.path.getsize, (telemetry, os.path.join(self.run_folder(), "journal.jsonl")))) + 16384
        for pid in self.agents():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit, limit))
        self.assert_ended_by_the_full_disk(follower)
        self.assertLessEqual(os.path.getsize(telemetry), limit)
        self.assert_resumes()


if can_mount():

    class SmallDiskTest(FullDisk):
        def test_no_space_left(self):
            self.mount_small_disk()
            self.start(self.cells())
            follower = self.follow()
            follower.until("cell-progress", cell="b")
            self.fill()
            self.assert_ended_by_the_full_disk(follower)
            self.assertEqual(self.statuses()[0]["state"], "interrupted")
            os.unlink(os.path.join(self.folder, "filler"))
            self.assert_resumes()

        def test_no_space_left_to_start_in(self):
            self.mount_small_disk()
            os.mkdir(self.home, 0o700)
            self.fill()
            records, status = self.agent("run", run_request(self.cells()))
            self.assertEqual((records[0]["code"], status), ("disk-full", 1))
            os.unlink(os.path.join(self.folder, "filler"))
            self.assertEqual(
                self.agent("run", run_request([fake_cell("a")]))[1], 0, "a run that did not start leaves its name free"
            )
            self.assertEqual(self.follow().end()["state"], "finished")

        def mount_small_disk(self):
            """512 KiB in the test's folder."""
            mount(self.folder, check=True)
            self.addCleanup(subprocess.run, ["umount", "-l", self.folder], check=True)

        def fill(self):
            filler = os.open(os.path.join(self.folder, "filler"), os.O_WRONLY | os.O_CREAT)
            try:
                for size in (65536, 4096, 1):
                    try:
                        while os.write(filler, b"x" * size) == size:
                            pass
                    except OSError:
                        continue
            finally:
                os.close(filler)


if __name__ == "__main__":
    unittest.main()
