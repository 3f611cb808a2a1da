"""The archive: the same bytes from the same sources, and nothing in it that does not belong."""

import hashlib
import os
import subprocess
import sys
import tempfile
import time
import unittest
import zipfile

from support import AGENT_SOURCE


class BuildTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def build(self, name, **options):
        target = os.path.join(self.folder, name)
        done = subprocess.run(
            [sys.executable, os.path.join(AGENT_SOURCE, "build.py"), target],
            stdout=subprocess.PIPE,
            check=True,
            **options,
        )
        with open(target, "rb") as file:
            data = file.read()
        self.assertEqual(done.stdout.decode().strip(), hashlib.sha256(data).hexdigest())
        return data

    def test_two_builds_are_byte_identical(self):
        first = self.build("first.pyz", umask=0o077) if sys.version_info >= (3, 9) else self.build("first.pyz")
        later = time.time() + 86400
        # A checkout elsewhere, at another time, with other permissions.
        copy = os.path.join(self.folder, "elsewhere")
        subprocess.run(["cp", "-r", AGENT_SOURCE, copy], check=True)
        for folder, _, files in os.walk(copy):
            for file in files:
                os.utime(os.path.join(folder, file), (later, later))
                os.chmod(os.path.join(folder, file), 0o600)
        target = os.path.join(self.folder, "second.pyz")
        subprocess.run([sys.executable, os.path.join(copy, "build.py"), target], stdout=subprocess.DEVNULL, check=True)
        with open(target, "rb") as file:
            self.assertEqual(file.read(), first)

    def test_it_holds_sources_and_recordings_only(self):
        self.build("agent.pyz")
        with zipfile.ZipFile(os.path.join(self.folder, "agent.pyz")) as archive:
            names = archive.namelist()
        self.assertEqual(names, sorted(names))
        self.assertEqual({os.path.splitext(name)[1] for name in names}, {".py", ".json"})
        self.assertIn("loadline_agent/devices/recordings/h200-2026-11-static-batch.json", names)

    def test_it_runs_as_a_program(self):
        self.build("agent.pyz")
        done = subprocess.run([os.path.join(self.folder, "agent.pyz"), "hello"], stdout=subprocess.PIPE, check=True)
        self.assertIn(b'"type":"hello"', done.stdout)


if __name__ == "__main__":
    unittest.main()
