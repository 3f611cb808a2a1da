"""What is handed to Slurm: which cells go together, words that stay words, times, GPUs."""

import random
import subprocess
import unittest

from loadline_agent.errors import AgentError, BadRequest
from loadline_agent.field import Field
from loadline_agent.requests import check_scheduler
from loadline_agent.runs.slurm.programs import (
    array_of,
    job_name,
    parse_row,
    sbatch_arguments,
    script,
    seconds_of,
    warning_seconds,
)
from loadline_agent.runs.slurm.reasons import reason_words
from loadline_agent.runs.slurm.task import gpus_of_job
from loadline_agent.runs.slurm.tasks import groups_of, task_request, wire_name

HOSTILE = (
    "a;touch /tmp/x",
    "$(id)",
    "`id`",
    "a'b\"c",
    "two\nlines",
    "-rf",
    "--wrap=id",
    "%j",
    "a b",
    "*",
    "é",
    "#SBATCH",
    "\\",
)


def cells_of(*keys):
    return [{"id": f"c{index}", "engineKey": key} for index, key in enumerate(keys)]


def ids(groups):
    return [[cell["id"] for cell in group] for group in groups]


class GroupsTest(unittest.TestCase):
    def test_a_task_is_one_engine_start_even_where_its_cells_are_apart(self):
        request = {"cells": cells_of("a", "b", "a", "c"), "gpus": []}
        self.assertEqual(ids(groups_of(request)), [["c0", "c2"], ["c1"], ["c3"]])

    def test_what_one_search_chooses_from_is_one_task(self):
        request = {"cells": cells_of("a", "b", "c", "d"), "gpus": [], "searches": [{"cells": ["c3", "c1"]}]}
        self.assertEqual(ids(groups_of(request)), [["c0"], ["c1", "c3"], ["c2"]])

    def test_every_cell_is_in_one_group_and_nothing_that_belongs_together_is_parted(self):
        chance = random.Random(5)
        for _ in range(300):
            cells = cells_of(*(chance.choice("abcdef") for _ in range(chance.randrange(1, 12))))
            searches = [
                {"cells": chance.sample([cell["id"] for cell in cells], chance.randrange(1, len(cells) + 1))}
                for _ in range(chance.randrange(0, 3))
            ]
            groups = ids(groups_of({"cells": cells, "searches": searches}))
            self.assertEqual(sorted(sum(groups, [])), sorted(cell["id"] for cell in cells))
            home = {cell: index for index, group in enumerate(groups) for cell in group}
            for first in cells:
                for second in cells:
                    if first["engineKey"] == second["engineKey"]:
                        self.assertEqual(home[first["id"]], home[second["id"]])
            for search in searches:
                self.assertEqual(len({home[cell] for cell in search["cells"]}), 1)
            self.assertEqual(groups, [sorted(group, key=lambda name: int(name[1:])) for group in groups])

    def test_a_task_gets_its_cells_and_the_jobs_gpus(self):
        cells = [{**cell, "gpus": [1]} for cell in cells_of("a", "b")]
        request = {"cells": cells, "gpus": [0, 1], "scheduler": {"type": "slurm"}, "searches": [{"cells": ["c1"]}]}
        first, second = task_request(request, 0, [4, 6]), task_request(request, 1, [4, 6])
        self.assertEqual((first["gpus"], first["cells"][0]["gpus"]), ([4, 6], [6]))
        self.assertNotIn("scheduler", first)
        self.assertNotIn("searches", first)
        self.assertEqual(second["searches"], [{"cells": ["c1"]}])


class WordsTest(unittest.TestCase):
    def test_a_script_keeps_every_word_a_word(self):
        done = subprocess.run(
            ["sh"], input=script([["printf", "%s\\0", *HOSTILE]]), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.assertEqual(done.stdout.decode().split("\0")[:-1], list(HOSTILE))
        self.assertEqual(done.stderr, b"")

    def test_a_hostile_field_is_one_argument_of_sbatch_and_never_an_option_of_its_own(self):
        for word in HOSTILE:
            scheduler = {
                "type": "slurm",
                "partition": word,
                "gres": word,
                "account": word,
                "time": word,
                "memory": word,
            }
            argv = sbatch_arguments(scheduler, 1, "n", f"/runs/{word}", [0])
            for name in ("partition", "gres", "account", "time", "chdir"):
                given = [one for one in argv if one.startswith(f"--{name}=")]
                self.assertEqual(len(given), 1)
                self.assertTrue(given[0].endswith(word))
            self.assertTrue(all(one == "sbatch" or one.startswith("--") for one in argv))
            self.assertIn("--output=slurm-%a.log", argv)

    def test_a_hostile_field_is_refused_before_it_gets_there(self):
        for name in ("partition", "gres", "account", "time", "memory"):
            for word in HOSTILE:
                with self.assertRaises(BadRequest, msg=(name, word)) as refused:
                    check_scheduler(Field({"type": "slurm", name: word}, "scheduler"))
                self.assertIn(f"scheduler.{name}: expected", str(refused.exception))
        good = {
            "partition": "gpu,long-2",
            "gres": "gpu:h100:2,shard:1",
            "account": "lab_7",
            "time": "1-02:30:00",
            "memory": "64G",
            "cpus": 8,
        }
        check_scheduler(Field({"type": "slurm", **good, "arrayLimit": 3}, "scheduler"))

    def test_fields_left_out_are_left_to_slurm_but_the_gpus(self):
        argv = sbatch_arguments({"type": "slurm"}, 2, "n", "/r", [0, 1, 2])
        self.assertIn("--gres=gpu:2", argv)
        self.assertFalse([word for word in argv if word.startswith(("--partition", "--account", "--time"))])
        self.assertFalse([word for word in sbatch_arguments({}, 0, "n", "/r", [0]) if word.startswith("--gres")])

    def test_an_array_names_its_tasks_and_its_limit(self):
        self.assertEqual(array_of([0, 1, 2, 5], None), "0-2,5")
        self.assertEqual(array_of([3], 2), "3%2")
        chance = random.Random(1)
        for _ in range(200):
            tasks = sorted(chance.sample(range(40), chance.randrange(1, 20)))
            read = []
            for part in array_of(tasks, None).split(","):
                first, _, last = part.partition("-")
                read += range(int(first), int(last or first) + 1)
            self.assertEqual(read, tasks)

    def test_times_as_slurm_writes_them(self):
        known = {"30": 1800, "1:30": 90, "02:00:00": 7200, "1-0": 86400, "2-3:30": 185400, "1-1:1:1": 90061}
        self.assertEqual({text: seconds_of(text) for text in known}, known)
        self.assertIsNone(seconds_of("UNLIMITED"))

    def test_the_warning_before_the_limit_leaves_time_to_stop_an_engine(self):
        self.assertEqual([warning_seconds(text) for text in (None, "2", "10", "4-0")], [120, 20, 60, 120])

    def test_two_folders_of_one_run_name_have_two_job_names(self):
        self.assertNotEqual(job_name("r", "/home/a/r"), job_name("r", "/home/b/r"))

    def test_a_line_of_squeue(self):
        row = parse_row("12|3|PENDING|gpu|2026-11-25T17:00:00||ReqNodeNotAvail, UnavailableNodes:a|b")
        self.assertEqual((row.job, row.task, row.start), ("12", 3, "2026-11-25T17:00:00"))
        self.assertEqual(row.reason, "ReqNodeNotAvail, UnavailableNodes:a|b")
        self.assertIsNone(parse_row("slurm_load_jobs error: Unable to contact slurm controller"))
        self.assertIsNone(parse_row("12|N/A|PENDING|gpu|N/A||Priority"))

    def test_reasons_say_what_to_do(self):
        self.assertIn("lower `time`", reason_words("PartitionTimeLimit"))
        self.assertIn("limit of your account", reason_words("AssocGrpGRES"))
        self.assertIn("down or reserved", reason_words("ReqNodeNotAvail, UnavailableNodes:gpu-7"))
        self.assertEqual(reason_words("SomethingNew"), "SomethingNew")

    def test_names_for_those_who_follow(self):
        self.assertEqual(wire_name(3, "journal.jsonl"), "journal-3.jsonl")
        self.assertEqual(wire_name(3, "engine-k1.log"), "engine-k1.log")
        self.assertIsNone(wire_name(3, "processes.json"))


class GpusTest(unittest.TestCase):
    HOST = {"gpus": [{"index": 0, "uuid": "GPU-aaaa-1"}, {"index": 5, "uuid": "GPU-bbbb-2"}]}

    def gpus(self, wanted, **environment):
        return gpus_of_job({"gpus": list(range(wanted))}, environment, self.HOST)

    def test_those_that_slurm_gave(self):
        self.assertEqual(self.gpus(2, CUDA_VISIBLE_DEVICES="2,3"), [2, 3])
        self.assertEqual(self.gpus(1, SLURM_JOB_GPUS="7"), [7])
        self.assertEqual(self.gpus(1, CUDA_VISIBLE_DEVICES="GPU-bbbb"), [5])

    def test_a_cluster_without_generic_resources_gives_the_nodes_own(self):
        self.assertEqual(self.gpus(2), [0, 1])
        self.assertEqual(self.gpus(2, CUDA_VISIBLE_DEVICES="NoDevFiles"), [0, 1])

    def test_fewer_than_the_plan_needs_are_refused_with_what_to_write(self):
        with self.assertRaises(AgentError) as refused:
            self.gpus(2, CUDA_VISIBLE_DEVICES="0")
        self.assertIn("gpu:2", str(refused.exception))
        with self.assertRaises(AgentError):
            self.gpus(1, CUDA_VISIBLE_DEVICES="MIG-cccc")


if __name__ == "__main__":
    unittest.main()
