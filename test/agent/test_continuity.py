"""What is not as it was when a run goes on: another boot, another driver, another engine, another request, another clock."""

import glob
import json
import os
import time
import unittest

from support import SHORT, AgentTest, fake_cell

RUN = "20261123T120000Z-test"
OTHER_BOOT = "00000000-1111-2222-3333-444444444444"

#: Debian's package libfaketime.
FAKETIME = next(iter(glob.glob("/usr/lib/*/faketime/libfaketime.so.1")), None)


def two_cells(held, *options):
    return [fake_cell("a", *options), fake_cell("b", *held, *options, key="slow", load=SHORT)]


class Changed(AgentTest):
    def interrupted(self, cells, **options):
        """A run of which the first cell is done, and nothing is left."""
        self.start(cells, **options)
        follower = self.follow()
        follower.until("cell-progress", cell="b")
        self.kill_together("supervisor", "worker", "engine")
        self.assertEqual(follower.end()["state"], "interrupted")
        self.release()

    def edit(self, name, change):
        path = os.path.join(self.run_folder(), name)
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
        change(document)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(document, file)

    def assert_refused(self, *words):
        before = self.assert_journal_sound(torn=True)
        (record,), status = self.agent("resume", {"run": RUN})
        self.assertEqual((record["code"], status), ("stale", 1))
        for word in (*words, "--accept-changes"):
            self.assertIn(word, record["message"])
        self.assertEqual(self.assert_journal_sound(torn=True), before, "nothing was written")
        self.assert_nothing_left()

    def assert_accepted(self, *words):
        self.assertEqual(self.agent("resume", {"run": RUN, "acceptChanges": True})[1], 0)
        self.assertEqual(self.follow().end()["state"], "finished")
        records = self.assert_journal_sound()
        self.assertEqual([record["cell"] for record in records if record["type"] == "cell-done"], ["a", "b"])
        said = " ".join(record["message"] for record in records if record["type"] == "warning")
        for word in words:
            self.assertIn(word, said)

    def test_a_host_that_rebooted(self):
        self.interrupted(two_cells(self.hold()))
        # What the last boot left: its id wherever it was written, and a record that was under way.
        path = os.path.join(self.run_folder(), "journal.jsonl")
        with open(path, "rb") as file:
            data = file.read()
        boot = json.loads(data.splitlines()[0].decode())["bootId"]
        with open(path, "wb") as file:
            file.write(data.replace(boot.encode(), OTHER_BOOT.encode())[:-20])
        self.edit("processes.json", lambda known: [one.update(bootId=OTHER_BOOT) for one in known.values() if one])
        self.assertEqual(self.statuses()[0]["state"], "interrupted")
        self.assertEqual(self.follow().end(), {"type": "follow-end", "state": "interrupted"})
        self.assertEqual(self.agent("resume", {"run": RUN})[1], 0)
        self.assertEqual(self.follow().end()["state"], "finished")
        self.assert_nothing_left()
        records = self.assert_journal_sound()
        (rebooted,) = [record for record in records if record["type"] == "host-rebooted"]
        self.assertEqual(rebooted["previousBootId"], OTHER_BOOT)
        self.assertEqual([record["cell"] for record in records if record["type"] == "cell-done"], ["a", "b"])

    def test_a_process_of_the_last_boot_is_nobody_of_this_one(self):
        self.interrupted(two_cells(self.hold()))
        # The numbers are given to others after a reboot: to this test, here.
        alive = {"pid": os.getpid(), "started": "1", "bootId": OTHER_BOOT}
        self.edit("processes.json", lambda known: known.update(supervisor=alive, worker=alive, engine=alive))
        self.assertEqual(self.agent("cancel", {"run": RUN})[1], 0)

    def test_another_request_under_the_same_ids(self):
        self.interrupted(two_cells(self.hold()))
        self.edit("request.json", lambda request: request["cells"][0]["load"].update(requests=9))
        self.assert_refused("cell a")
        self.assert_accepted("cell a")

    def test_another_driver(self):
        self.interrupted(two_cells(self.hold()), gpus=[0])
        self.edit("environment.json", lambda about: about["host"].update(driver="570.1"))
        self.assert_refused("driver", "570.1")
        self.assert_accepted("driver")

    def test_another_gpu_of_the_same_number(self):
        self.environment["LOADLINE_DEVICE"] = "recorded:h200-2026-11-static-batch"
        self.interrupted(two_cells(self.hold()), gpus=[0])
        self.edit("environment.json", lambda about: about["host"]["gpus"][0].update(uuid="GPU-other", name="A100"))
        self.assert_refused("GPU 0", "A100")

    def test_another_version_of_the_engine(self):
        self.interrupted(two_cells(self.hold(), "--engine-version", "0.26.0"))
        # An upgrade of the engine: the command is the same.
        self.edit("request.json", lambda request: [swap(cell, "0.26.0", "0.27.0") for cell in request["cells"]])
        self.forget_contents()
        self.assertEqual(self.agent("resume", {"run": RUN})[1], 0)
        self.assertEqual(self.follow().end()["state"], "finished")
        last = self.assert_journal_sound()[-1]
        self.assertEqual((last["type"], last["outcome"]), ("run-finished", "failed"))
        self.assertIn("0.26.0 and is 0.27.0", last["message"])
        self.assert_nothing_left()
        self.assert_accepted("0.26.0 and is 0.27.0")

    def forget_contents(self):
        """As an agent before them wrote the journal: only the version of the engine is then left to tell."""
        path = os.path.join(self.run_folder(), "journal.jsonl")
        with open(path, encoding="utf-8") as file:
            first, *rest = file.readlines()
        record = json.loads(first)
        for cell in record["cells"]:
            del cell["content"]
        with open(path, "w", encoding="utf-8") as file:
            file.writelines([json.dumps(record) + "\n", *rest])


def swap(cell, before, after):
    argv = cell["engine"]["argv"]
    cell["engine"]["argv"] = [after if word == before else word for word in argv]


if FAKETIME:

    class ClockStepTest(AgentTest):
        """The wall clock steps in mid-run (NTP, a person); the monotonic one does not."""

        def test_durations_stay_right_and_order_too(self):
            clock = os.path.join(self.folder, "clock")
            self.set_clock(clock, "+0")
            # libfaketime 0.9.10 refuses the absolute monotonic sleep of Python 3.11 and later.
            with open(os.path.join(self.folder, "sitecustomize.py"), "w") as file:
                file.write("import select, time\ntime.sleep = lambda seconds: select.select([], [], [], seconds)\n")
            self.environment.update(
                LD_PRELOAD=FAKETIME,
                FAKETIME_TIMESTAMP_FILE=clock,
                FAKETIME_NO_CACHE="1",
                FAKETIME_DONT_FAKE_MONOTONIC="1",
                PYTHONPATH=self.folder,
            )
            before = time.monotonic()
            self.start(two_cells(self.hold()), lease=30.0)
            follower = self.follow()
            began = follower.until("cell-started", cell="b")["wallMs"]
            self.set_clock(clock, "+3h")
            # A load that is held tells each second how far it is.
            while follower.journal[-1]["wallMs"] - began < 2 * 3600 * 1000:
                self.assertIsNotNone(follower.read())
            self.set_clock(clock, "-5h")
            self.release()
            self.assertEqual(follower.end()["state"], "finished")
            took = time.monotonic() - before
            records = self.assert_journal_sound()
            self.assertEqual(records[-1]["outcome"], "completed")
            walls = [record["wallMs"] for record in records]
            self.assertGreater(max(walls) - min(walls), 7 * 3600 * 1000, "the clock did step, or nothing is shown")
            times = [record["monotonicMs"] for record in records]
            self.assertEqual(times, sorted(times))
            self.assertLess(times[-1] - times[0], 1000 * took)
            for record in records:
                if record["type"] == "engine-ready":
                    self.assertLess(record["startupSeconds"], took)
                if record["type"] == "trial-measured":
                    measurement = record["measurement"]
                    self.assertLess(0, measurement["durationMs"])
                    self.assertLess(measurement["durationMs"], 1000 * took)
                    self.assertLess(max(measurement["requests"]["e2eMs"]), 1000 * took)
                    self.assertGreater(min(measurement["requests"]["ttftMs"]), 0)
            with open(os.path.join(self.run_folder(), "telemetry.jsonl"), encoding="utf-8") as file:
                ticks = [line["monotonicMs"] for line in map(json.loads, file) if line["type"] == "telemetry"]
            self.assertEqual(ticks, sorted(ticks))

        def set_clock(self, path, offset):
            with open(path + ".new", "w") as file:
                file.write(offset + "\n")
            os.replace(path + ".new", path)


if __name__ == "__main__":
    unittest.main()
