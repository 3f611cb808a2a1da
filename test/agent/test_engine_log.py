"""What an engine prints is in its log, secrets apart, however it is cut and whoever is killed."""

import os
import random
import signal
import subprocess
import sys
import unittest

from loadline_agent.runs.engine_log import EngineLog
from loadline_agent.runs.secret_values import Secrets, SecretStream, secrets_of_host
from support import AgentTest

KEY = "sk-0123456789abcdef"


def streamed(secrets, text, cuts):
    stream, out, at = SecretStream(Secrets(secrets)), b"", 0
    for cut in [*cuts, len(text)]:
        out += stream.take(text[at:cut])
        at = cut
    return out + stream.end()


class SecretStreamTest(unittest.TestCase):
    def test_a_secret_is_found_wherever_the_parts_are_cut(self):
        text = f"a {KEY}{KEY[:5]} {KEY}, sk-01 and sk-".encode()
        for cut in range(len(text)):
            self.assertEqual(streamed([KEY], text, [cut]), b"a [secret]sk-01 [secret], sk-01 and sk-")
        self.assertEqual(streamed([KEY], text, range(len(text))), b"a [secret]sk-01 [secret], sk-01 and sk-")

    def test_what_is_no_beginning_of_a_secret_is_not_held_back(self):
        stream = SecretStream(Secrets([KEY]))
        self.assertEqual(stream.take(b"ready\n"), b"ready\n")
        self.assertEqual(stream.take(b"key s"), b"key ")
        self.assertEqual(stream.take(b"o what"), b"so what")

    def test_secrets_that_overlap_or_hold_each_other_are_never_left(self):
        chosen = random.Random(5)
        for _ in range(3000):
            letters = chosen.choice(("ab", "abc"))
            secrets = ["".join(chosen.choices(letters, k=chosen.randint(4, 12))) for _ in range(chosen.randint(1, 3))]
            text = "".join(chosen.choices(letters + "-", k=chosen.randint(0, 60))).encode()
            cuts = sorted(chosen.randrange(len(text) + 1) for _ in range(chosen.randint(0, 12)))
            out = streamed(secrets, text, cuts)
            self.assertEqual([secret for secret in secrets if secret.encode() in out], [], (secrets, text, cuts))
            if not any(secret.encode() in text for secret in secrets):
                self.assertTrue(out == text or out.endswith(b"[secret]"), (secrets, text, out))

    def test_most_of_a_secret_at_the_end_is_one_too(self):
        self.assertEqual(streamed([KEY], b"died at " + KEY[:12].encode(), []), b"died at [secret]")

    def test_of_the_host_long_values_with_telling_names_are_secret_line_by_line(self):
        environment = {"LESSKEY": "on", "PATH": "/usr/bin:/bin", "MY_PRIVATE_KEY": "-----BEGIN-----\nMIIEv\nabcdefghijkl\n"}
        found = secrets_of_host(environment)
        self.assertIn("abcdefghijkl", found)
        self.assertEqual([value for value in found if "usr" in value or value in ("on", "MIIEv")], [])


class EngineLogTest(AgentTest):
    def log(self):
        path = os.path.join(self.folder, "engine.log")
        log = EngineLog(path, Secrets([KEY]))
        self.addCleanup(log.close)
        return path, log

    def printing(self, log, code):
        process = subprocess.Popen(
            [sys.executable, "-u", "-c", code], stdin=subprocess.PIPE, stdout=log.output, stderr=log.output
        )
        log.started()
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def test_all_that_was_printed_is_read_at_once(self):
        path, log = self.log()
        self.printing(log, f"print('x' * 3000000); print('{KEY}'); print('end')").wait()
        self.assertEqual(log.lines()[1:], ["[secret]\n", "end\n"])
        log.close()
        self.assertEqual(os.path.getsize(path), 3000001 + len("[secret]\nend\n"))

    def test_a_further_start_is_appended_and_read_alone(self):
        path, first = self.log()
        self.printing(first, "print('first')").wait()
        first.close()
        _, second = self.log()
        self.printing(second, "print('second')").wait()
        self.assertEqual(second.lines(), ["second\n"])
        with open(path) as file:
            self.assertEqual(file.read(), "first\nsecond\n")

    def test_an_engine_goes_on_when_what_writes_its_log_is_killed(self):
        _, log = self.log()
        process = self.printing(log, "print('before'); input(); print('after'); input()")
        while log.lines() != ["before\n"]:
            pass
        os.kill(log._pid, signal.SIGKILL)
        process.stdin.write(b"\n")
        process.stdin.flush()
        while log.lines() != ["before\n", "after\n"]:
            log.keep()
        self.assertIsNone(process.poll())


if __name__ == "__main__":
    unittest.main()
