"""A follow from any byte offset gives the bytes that stand there."""

import os
import random
import tempfile
import unittest
import zlib
from unittest import mock

from loadline_agent.runs.follow import read_growth
from loadline_agent.runs.folder import RunFolder
from support import AgentTest, fake_cell, load_profile

RUN = "20261123T120000Z-test"
SENT = ("plan.yaml", "environment.json", "journal.jsonl", "telemetry.jsonl", "metrics.jsonl", "engine-k1.log")


class FollowTest(AgentTest):
    def setUp(self):
        super().setUp()
        self.start([fake_cell("a", "--print-bytes", "600000", *self.hold())])
        self.live = self.follow()
        while self.live.read()["type"] != "heartbeat":
            pass
        self.release()
        self.assertEqual(self.live.end()["type"], "follow-end")
        self.files = {}
        for name in SENT:
            with open(os.path.join(self.run_folder(), name), "rb") as file:
                self.files[name] = file.read()

    def test_followed_live_it_gives_the_same_bytes(self):
        self.assertEqual(self.live.files, self.files)

    def test_from_any_offset_it_gives_the_rest(self):
        chosen = random.Random(7)
        sizes = {name: len(data) for name, data in self.files.items()}
        for offsets in (
            {},
            sizes,
            {name: size - 1 for name, size in sizes.items()},
            {name: chosen.randrange(size + 1) for name, size in sizes.items()},
        ):
            with self.subTest(offsets=offsets):
                follower = self.follow(offsets=offsets)
                self.assertEqual(follower.end(), {"type": "follow-end", "state": "finished"})
                rest = {name: data[offsets.get(name, 0) :] for name, data in self.files.items()}
                self.assertEqual(follower.files, {name: data for name, data in rest.items() if data})

    def test_secrets_and_state_are_not_sent(self):
        self.assertEqual(set(self.live.files), set(SENT))

    def test_a_client_that_holds_what_this_host_has_lost_is_sent_all_of_it_again(self):
        journal = self.files["journal.jsonl"]
        held = {
            "more than there is": ({"journal.jsonl": len(journal) + 1000}, {}),
            "other bytes": ({"journal.jsonl": 500}, {"journal.jsonl": zlib.crc32(journal[:499] + b"x")}),
        }
        for name, (offsets, checks) in held.items():
            with self.subTest(name):
                follower = self.follow(offsets=offsets, checks=checks)
                self.assertEqual(follower.end(), {"type": "follow-end", "state": "finished"})
                rewinds = [record for record in follower.records if record["type"] == "rewind"]
                self.assertEqual(rewinds, [{"type": "rewind", "file": "journal.jsonl"}])
                self.assertEqual(follower.files["journal.jsonl"], journal)

    def test_a_client_that_holds_the_same_bytes_goes_on_from_them(self):
        size = len(self.files["journal.jsonl"])
        for held in (10, size // 2, size):
            tail = self.files["journal.jsonl"][max(0, held - 4096) : held]
            follower = self.follow(offsets={"journal.jsonl": held}, checks={"journal.jsonl": zlib.crc32(tail)})
            follower.end()
            self.assertEqual([record for record in follower.records if record["type"] == "rewind"], [])
            self.assertEqual(follower.files.get("journal.jsonl", b""), self.files["journal.jsonl"][held:])

    def test_heartbeats_carry_the_state(self):
        self.assertEqual(
            [record["state"] for record in self.live.records if record["type"] == "heartbeat"][0], "running"
        )


class DurableTest(unittest.TestCase):
    def test_what_is_sent_is_on_disk_first(self):
        # A crash of the machine cannot be had here; that the disk was asked before anything was read can.
        with tempfile.TemporaryDirectory() as home:
            folder = RunFolder(home, "r")
            os.makedirs(folder.path)
            folder.write("telemetry.jsonl", b"{}\n")
            path = folder.file("telemetry.jsonl")
            asked = mock.Mock()
            with mock.patch("os.fsync", asked.fsync), mock.patch("os.pread", wraps=os.pread) as pread:
                asked.attach_mock(pread, "pread")
                self.assertEqual(read_growth(path, "telemetry.jsonl", 3), b"")
                asked.fsync.assert_not_called()
                self.assertEqual(read_growth(path, "telemetry.jsonl", 0), b"{}\n")
            names = [call[0] for call in asked.mock_calls]
            # The last read is that of the bytes that are sent; those before looked for the last whole line.
            self.assertEqual((names[-2:], names.count("fsync")), (["fsync", "pread"], 1))


class FollowLiveTest(AgentTest):
    def test_closing_stdin_ends_it_and_not_the_run(self):
        self.start([fake_cell("a", load=load_profile(requests=100000, output=100))], telemetry=False)
        follower = self.follow()
        follower.until("cell-progress")
        follower.close()
        self.assertEqual(self.statuses()[0]["state"], "running")
        self.assertEqual(self.agent("cancel", {"run": RUN})[1], 0)

    def test_two_followers_see_the_same(self):
        self.start([fake_cell("a")])
        first, second = self.follow(), self.follow()
        self.assertEqual((first.end()["type"], second.end()["type"]), ("follow-end", "follow-end"))
        self.assertEqual(first.files, second.files)


if __name__ == "__main__":
    unittest.main()
