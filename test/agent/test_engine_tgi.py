"""What is TGI's own: it is given no key, as its launcher shows it, and the sockets that its shards leave are removed. By the tests' engine."""

import os
import re
import socket
import unittest

from support import ENDLESS, RUN, AgentTest, failures, fake_cell, load_profile, ready

from loadline_agent.runs.folder import RunFolder
from loadline_agent.runs.sockets import note_sockets, remove_sockets


def tgi_cell(load=None):
    cell = fake_cell("a", "--open", load={**(load or load_profile()), "prompt": "text"}, deadline=300)
    cell["engine"]["name"] = "tgi"
    return cell


class TgiTest(AgentTest):
    def start_tgi(self):
        """Until it is under load. Returns the follower, the engine's process and the socket of its shard."""
        self.start([tgi_cell(ENDLESS)], telemetry=False)
        follower = self.follow()
        follower.until("cell-started")
        pid = ready(follower.journal)["instances"][0]["pid"]
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read().decode().split("\0")
        path = words[words.index("--shard-uds-path") + 1] + "-0"
        self.addCleanup(lambda: os.path.exists(path) and os.unlink(path))
        self.assertRegex(path, r"^/tmp/loadline-tgi-\d+-0$")
        self.assertTrue(os.path.exists(path))
        return follower, pid, path

    def test_it_is_given_no_key_not_even_one_that_the_host_has(self):
        self.environment["API_KEY"] = "key-of-something-else"
        follower, pid, _ = self.start_tgi()
        with open(f"/proc/{pid}/environ", "rb") as file:
            names = {word.partition(b"=")[0].decode() for word in file.read().split(b"\0")}
        self.assertEqual({name for name in names if re.search("API_KEY", name)}, set())
        self.assertEqual(self.agent("cancel", {"run": RUN})[1], 0)
        self.assertEqual(follower.end()["state"], "finished")

    def test_its_sockets_go_with_it(self):
        follower, _, path = self.start_tgi()
        self.assertEqual(self.agent("cancel", {"run": RUN})[1], 0)
        self.assertEqual(follower.end()["state"], "finished")
        self.assert_nothing_left()
        self.assertFalse(os.path.exists(path))

    def test_it_is_measured_and_nothing_is_noted_any_more(self):
        records = self.run_to_end([tgi_cell()], telemetry=False)
        self.assertEqual(failures(records), [])
        self.assertIsNone(self.processes()["sockets"])

    def test_its_sockets_go_with_what_a_killed_worker_left(self):
        follower, _, path = self.start_tgi()
        os.kill(self.processes()["worker"]["pid"], 9)
        self.assertEqual(follower.end()["state"], "interrupted")
        self.assertFalse(os.path.exists(path))

    def test_its_sockets_go_when_a_run_is_cancelled_that_lost_worker_and_supervisor(self):
        follower, _, path = self.start_tgi()
        self.kill_together("supervisor", "worker")
        follower.end()
        self.assertTrue(os.path.exists(path), "nobody is left who would remove it")
        self.assertEqual(self.agent("cancel", {"run": RUN})[1], 0)
        self.assertFalse(os.path.exists(path))

    def test_a_socket_at_which_somebody_listens_and_one_of_another_engine_are_left(self):
        folder = RunFolder(self.home, RUN)
        os.makedirs(folder.path)
        prefix = os.path.join(self.folder, "s-1")
        listening, dead, other = f"{prefix}-0", f"{prefix}-1", f"{prefix}1-0"
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(listening)
            server.listen()
            for path in (dead, other):
                with socket.socket(socket.AF_UNIX) as ended:
                    ended.bind(path)
            note_sockets(folder, prefix)
            remove_sockets(folder)
        self.assertEqual([os.path.exists(path) for path in (listening, dead, other)], [True, False, True])


if __name__ == "__main__":
    unittest.main()
