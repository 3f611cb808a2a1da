"""A stand-in for Slurm's programs, for what a real one does only by chance: answers from files in its folder.

`squeue` prints `rows`; `sbatch` keeps its arguments and its stdin, and gives the number in `job`; `scontrol show` prints `fields`; a file
`<program>-fails`, or `scontrol-<its first word>-fails`, makes that
program fail with its text. The real one is in test/slurm.
"""

import json
import os
import stat
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAMS = ("sbatch", "squeue", "scancel", "scontrol")


class FakeSlurm:
    def __init__(self, folder):
        self.folder = os.path.join(folder, "fake-slurm")
        os.makedirs(self.folder)
        for name in PROGRAMS:
            path = os.path.join(self.folder, name)
            with open(path, "w") as file:
                file.write(
                    f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {HERE!r})\nimport fake_slurm\nfake_slurm.main()\n"
                )
            os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)
        self.say("job", "41")
        self.say("fields", "JobState=RUNNING Restarts=0")
        self.rows()

    @property
    def environment(self):
        return {"PATH": self.folder + os.pathsep + os.environ["PATH"]}

    def say(self, name, text):
        with open(os.path.join(self.folder, name), "w") as file:
            file.write(text)

    def rows(self, *rows):
        self.say("rows", "".join(f"{row}\n" for row in rows))

    def fails(self, program, text):
        self.say(f"{program}-fails", text)

    def mends(self, program):
        os.unlink(os.path.join(self.folder, f"{program}-fails"))

    def hangs(self, program):
        """Keeps whoever calls it waiting. Returns what lets them go on, once one does."""
        path = os.path.join(self.folder, f"{program}-hangs")
        os.mkfifo(path)

        def release():
            descriptor = os.open(path, os.O_WRONLY)
            os.unlink(path)
            os.close(descriptor)

        return release

    def calls(self, program):
        """[(arguments, stdin)]"""
        try:
            with open(os.path.join(self.folder, "calls")) as file:
                calls = [json.loads(line) for line in file]
        except FileNotFoundError:
            return []
        return [(call[1], call[2]) for call in calls if call[0] == program]


def main():
    folder, program = os.path.split(sys.argv[0])
    stdin = sys.stdin.read() if program == "sbatch" else ""
    with open(os.path.join(folder, "calls"), "a") as file:
        file.write(json.dumps([program, sys.argv[1:], stdin]) + "\n")
    waiting = os.path.join(folder, f"{program}-hangs")
    if os.path.exists(waiting):
        with open(waiting) as file:
            file.read()
    for failing in (program, "-".join([program, *sys.argv[1:2]])):
        failure = os.path.join(folder, f"{failing}-fails")
        if os.path.exists(failure):
            with open(failure) as file:
                sys.exit(file.read())
    if sys.argv[1:2] == ["show"]:
        with open(os.path.join(folder, "fields")) as file:
            print(file.read())
    if program in ("sbatch", "squeue"):
        with open(os.path.join(folder, "job" if program == "sbatch" else "rows")) as file:
            print(file.read().rstrip("\n"))
