"""Searches: the edge that they find, what it costs, and that an interrupted one goes on as if nothing had been."""

import json
import os
import random
import tempfile
import unittest

from loadline_agent.runs.edge import GOOD, SHORT, UNCLEAR, EdgeSearch, Found, most_tries, seek
from loadline_agent.runs.figures import TrialFigures, judge_trial, trial_figures
from loadline_agent.runs.journal import Journal
from loadline_agent.runs.search import Finished, Search, Settled, Spent, ladder
from loadline_agent.runs.searching import Searches, next_trial
from support import AgentTest, load_profile, run_request, simulated_cell, simulated_engine

RUN = "20261123T120000Z-test"


def drive(search, verdict_of):
    """(Found, tries) where `verdict_of` answers every probe."""
    verdicts = {}
    while True:
        step = seek(search, verdicts)
        if isinstance(step, Found):
            return step, len(verdicts)
        if step.index in verdicts:
            raise AssertionError(f"{step.index} is tried twice")
        verdicts[step.index] = verdict_of(step.index)


class EdgeTest(unittest.TestCase):
    def test_every_edge_of_every_size_is_found_within_the_budget(self):
        for count in [*range(1, 40), 64, 100, 333]:
            for edge in range(count + 1):
                # The expected one may be right, a little off, or not there.
                for first in (None, min(edge, count - 1), max(0, edge - 3), min(count - 1, edge + 3)):
                    search = EdgeSearch(count, most_tries(count), first=first, sure=lambda index: True)
                    found, tries = drive(search, lambda index: GOOD if index >= edge else SHORT)
                    self.assertEqual(found.index, edge if edge < count else None, (count, edge, first))
                    self.assertTrue(found.smooth)
                    self.assertLessEqual(tries, most_tries(count))

    def test_ten_candidates_or_more_take_at_most_forty_percent(self):
        for count in range(10, 1000):
            self.assertLessEqual(most_tries(count), 0.4 * count + 1e-9)

    def test_an_expected_edge_that_is_right_saves_tries(self):
        def verdict(index):
            return GOOD if index >= 30 else SHORT

        plain = drive(EdgeSearch(49, most_tries(49)), verdict)[1]
        expected = drive(EdgeSearch(49, most_tries(49), first=30), verdict)[1]
        self.assertLessEqual(expected, 4)
        self.assertLess(expected, plain)

    def test_a_hole_beside_the_edge_is_seen_and_scanned(self):
        good = {30, 32, 33, *range(35, 49)}
        found, tries = drive(EdgeSearch(49, most_tries(49)), lambda index: GOOD if index in good else SHORT)
        self.assertEqual(found.index, 30)
        self.assertFalse(found.smooth)
        self.assertLessEqual(tries, 0.4 * 49)

    def test_a_window_between_bad_ones_is_found_though_its_first_tries_all_fail(self):
        found, _ = drive(EdgeSearch(49, most_tries(49)), lambda index: GOOD if 31 <= index <= 35 else SHORT)
        self.assertEqual((found.index, found.smooth), (31, False))

    def test_any_outcomes_end_within_the_budget_and_the_answer_was_good(self):
        chosen = random.Random(11)
        for _ in range(2000):
            count = chosen.randrange(1, 60)
            outcomes = [chosen.choice([GOOD, SHORT, SHORT, UNCLEAR]) for _ in range(count)]
            steady = chosen.random() < 0.5
            first = chosen.choice([None, chosen.randrange(count)])
            search = EdgeSearch(count, most_tries(count), first=first, steady=steady)
            found, tries = drive(search, lambda index: outcomes[index])
            self.assertLessEqual(tries, most_tries(count))
            if found.index is not None:
                self.assertEqual(outcomes[found.index], GOOD)

    def test_where_nothing_says_anything_it_gives_up_at_once(self):
        found, tries = drive(EdgeSearch(49, most_tries(49)), lambda index: UNCLEAR)
        self.assertEqual((found.index, found.reason, tries), (None, "unclear", 2))


def figures(ttft=100.0, tpot=10.0, tokens=1000.0, completed=200, bound=False):
    return TrialFigures(completed, 0.0, ttft, tpot, 50.0, tokens, bound)


def load_search(goal, count, **more):
    cells = {f"c{n}": {"id": f"c{n}", "load": {"concurrency": n}} for n in range(1, count + 1)}
    return Search({"id": "s", "cells": list(cells), "goal": goal, **more}, cells)


def finish(search, settle):
    """(Finished, cells in the order in which they were run)."""
    settled = {}
    while True:
        decision = search.decide(settled)
        if isinstance(decision, Finished):
            return decision, list(settled)
        settled[decision.cell] = settle(int(decision.cell[1:]))


class GoalTest(unittest.TestCase):
    WITHIN = {"kind": "largest-within-slo", "limits": {"ttftP95Ms": 500}}

    def test_the_load_ladder_comes_from_below_and_ends_at_the_limit(self):
        search = load_search(self.WITHIN, 64)
        found, order = finish(search, lambda n: Settled(None, [figures(ttft=10.0 * n)]))
        self.assertEqual((found.found, found.smooth), ("c50", True))
        self.assertEqual(order[:7], ["c1", "c2", "c4", "c8", "c16", "c32", "c64"])
        self.assertLessEqual(len(order), 0.4 * 64)

    def test_near_the_limit_it_asks_for_repeats_and_all_must_meet_it(self):
        search = load_search(self.WITHIN, 64)
        near, far, missed = figures(ttft=490.0), figures(ttft=300.0), figures(ttft=510.0)
        self.assertTrue(search.wants_repeat([near], Spent(1, 0)))
        self.assertTrue(search.wants_repeat([near, far], Spent(1, 0)))
        self.assertFalse(search.wants_repeat([near, near, near], Spent(1, 0)))
        self.assertFalse(search.wants_repeat([far], Spent(1, 0)))
        self.assertFalse(search.wants_repeat([near, missed], Spent(1, 0)))
        self.assertEqual(search.outcome(Settled(None, [near, missed])).verdict, "bad")

    def test_repeats_stay_within_the_share_of_the_grid(self):
        near = figures(ttft=490.0)
        # Ten candidates take their four for the bisection alone; forty have some to spare.
        self.assertFalse(load_search(self.WITHIN, 10).wants_repeat([near], Spent(1, 0)))
        self.assertTrue(load_search(self.WITHIN, 40).wants_repeat([near], Spent(1, 0)))
        self.assertFalse(load_search(self.WITHIN, 40).wants_repeat([near], Spent(16, 16)))
        for count in (10, 16, 25, 40, 64, 128):
            for edge in range(count + 1):
                search, settled, runs = load_search(self.WITHIN, count), {}, 0
                while True:
                    decision = search.decide(settled)
                    if isinstance(decision, Finished):
                        break
                    number, trials = int(decision.cell[1:]), []
                    measured = {cell: one.trials for cell, one in settled.items()}
                    measured[decision.cell] = trials
                    while not trials or search.wants_repeat(trials, search.spent(measured)):
                        trials.append(figures(ttft=490.0 if number <= edge else 510.0))
                    runs += len(trials)
                    settled[decision.cell] = Settled(None, trials)
                self.assertEqual(decision.found, f"c{edge}" if edge else None)
                self.assertLessEqual(runs, 0.4 * count)

    def test_too_few_requests_for_a_p95_are_no_answer(self):
        search = load_search(self.WITHIN, 64)
        found, order = finish(search, lambda n: Settled(None, [figures(ttft=None, completed=20)]))
        self.assertEqual((found.found, len(order)), (None, 2))
        self.assertEqual(search.outcome(Settled(None, [figures(ttft=None)])).verdict, "unclear")

    def test_where_the_client_is_the_limit_the_answer_lies_below_and_it_is_no_miss(self):
        search = load_search(self.WITHIN, 64)
        found, _ = finish(search, lambda n: Settled(None, [figures(ttft=10.0, bound=n > 20)]))
        self.assertEqual(found.found, "c20")
        self.assertEqual(found.bad, [])

    def test_a_trial_that_the_client_set_is_repeated_and_does_not_count_beside_others(self):
        search = load_search(self.WITHIN, 64)
        bound, good = figures(ttft=900.0, bound=True), figures(ttft=100.0)
        self.assertTrue(search.wants_repeat([bound], Spent(1, 0)))
        self.assertTrue(search.wants_repeat([bound, bound], Spent(1, 0)))
        self.assertFalse(search.wants_repeat([bound, bound, bound], Spent(1, 0)))
        self.assertFalse(search.wants_repeat([bound, good], Spent(1, 0)))
        self.assertEqual(search.outcome(Settled(None, [bound, good])).verdict, "good")

    def test_one_step_of_the_ladder_that_the_client_set_does_not_end_it(self):
        search = load_search({"kind": "knee"}, 128)
        found, _ = finish(search, lambda n: Settled(None, [figures(tokens=100.0 * min(n, 40), bound=n == 1)]))
        self.assertIn(found.found, ["c38", "c39", "c40"])

    def test_a_limit_that_this_agent_does_not_know_is_not_passed_over(self):
        self.assertIsNone(judge_trial(figures(), {"e2eP95Ms": 1}).meets)

    def test_the_knee_is_the_least_load_within_the_gain_of_the_plateau(self):
        search = load_search({"kind": "knee"}, 128)
        found, order = finish(search, lambda n: Settled(None, [figures(tokens=100.0 * min(n, 40))]))
        self.assertIn(found.found, ["c38", "c39", "c40", "c41"])
        self.assertLessEqual(len(order), 0.4 * 128)

    def test_throughput_that_falls_again_does_not_move_the_knee(self):
        search = load_search({"kind": "knee"}, 128)
        found, order = finish(search, lambda n: Settled(None, [figures(tokens=100.0 * min(n, 40) - 20 * max(0, n - 64))]))
        self.assertIn(found.found, ["c37", "c38", "c39", "c40", "c41"])

    def test_throughput_that_still_grows_has_no_knee_yet(self):
        found, _ = finish(load_search({"kind": "knee"}, 64), lambda n: Settled(None, [figures(tokens=100.0 * n)]))
        self.assertIsNone(found.found)
        self.assertIn("above", found.why)

    def test_a_failure_that_is_not_the_values_fault_is_unclear(self):
        search = load_search({"kind": "smallest-that-starts"}, 10)
        for kind, phase, verdict in (
            ("refused", "start", "bad"),
            ("out-of-memory", "load", "bad"),
            ("timeout", "load", "good"),
            ("port-in-use", "start", "unclear"),
            ("gpu-busy", "start", "unclear"),
        ):
            failure = {"kind": kind, "phase": phase, "message": "said"}
            self.assertEqual(search.outcome(Settled(failure, [])).verdict, verdict, kind)

    def test_what_the_log_says_of_the_direction_is_used(self):
        # Starts from 20 to 24 of 60: every failure says which way to go, so no island is looked for elsewhere.
        search = load_search({"kind": "smallest-that-starts"}, 60, flag="gpu-memory-utilization")

        def settle(n):
            if 20 <= n <= 24:
                return Settled(None, [figures()])
            change = "raise" if n < 20 else "lower"
            remedies = [{"flag": "--gpu_memory_utilization", "change": change, "why": "memory"}]
            return Settled({"kind": "refused", "phase": "start", "message": "no", "remedies": remedies}, [])

        found, order = finish(search, settle)
        self.assertEqual((found.found, found.smooth), ("c20", True))
        self.assertLessEqual(len(order), 9)

    def test_a_ladder_takes_each_step_at_most_double(self):
        self.assertEqual(ladder([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]), [0, 1, 3, 7, 9])
        self.assertEqual(ladder([1, 10, 100]), [0, 1, 2])


class FiguresTest(unittest.TestCase):
    def test_they_are_those_of_the_report(self):
        count = 140
        measurement = {
            "durationMs": 2000,
            "requests": {
                "sentMs": [0.0] * count,
                "ttftMs": [float(at + 1) for at in range(count)],
                "e2eMs": [float(at + 1) + 90 for at in range(count)],
                "outputTokens": [10] * count,
                "failure": [None] * (count - 1) + ["timeout"],
            },
            "client": {"bound": False},
        }
        found = trial_figures(measurement)
        # 139 completed: the 133rd of them; TPOT is 90 ms over 9 tokens.
        self.assertEqual((found.completed, found.ttft_p95_ms, found.tpot_p95_ms), (139, 133.0, 10.0))
        self.assertEqual(found.system_tokens_per_second, 695.0)
        self.assertEqual(judge_trial(found, {"ttftP95Ms": 133}).meets, True)
        self.assertEqual(judge_trial(found, {"ttftP95Ms": 132}).meets, False)
        late = {**measurement, "requests": {**measurement["requests"], "scheduledMs": [-50.0] * count}}
        self.assertEqual(trial_figures(late).ttft_p95_ms, 183.0, "a request waits from when it was due")


def starting(name, serves):
    cell = simulated_cell(name, key=f"engine-{name}")
    if not serves:
        cell["engine"]["parameters"] = simulated_engine(
            start={"outcome": "refuses", "exitCode": 1},
            logLines=["(simulated) ValueError: No available memory for the cache blocks."],
        )
    cell["load"] = load_profile(requests=4, concurrency=2, output=2, warmup=0)
    return cell


class RepeatTest(unittest.TestCase):
    """Trials beyond the plan's, as the journal says that they are wanted."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.journal = Journal(folder.name)
        self.addCleanup(self.journal.close)
        self.cell = {"id": "c", "load": {"concurrency": 4}, "trials": 1}
        goal = {"kind": "largest-within-slo", "limits": {"ttftP95Ms": 100}}
        others = [{"id": f"c{load}", "load": {"concurrency": load}, "trials": 1} for load in range(5, 45)]
        cells = [self.cell, *others]
        search = {"id": "s", "label": "s", "cells": [cell["id"] for cell in cells], "goal": goal}
        self.request = {"cells": cells, "searches": [search]}
        self.searches = Searches(folder.name, self.request)
        self.measured = set()

    def next(self):
        return next_trial(self.cell, lambda trial: trial in self.measured, self.searches)

    def measure(self, ttft):
        trial, count = self.next(), 150
        columns = {
            "sentMs": [0] * count,
            "ttftMs": [ttft] * count,
            "e2eMs": [ttft + 10] * count,
            "outputTokens": [2] * count,
            "failure": [None] * count,
        }
        measurement = {"durationMs": 1000, "requests": columns, "client": {"bound": False}}
        self.journal.append("trial-measured", cell="c", trial=trial, measurement=measurement)
        self.measured.add(trial)

    def test_near_the_limit_there_are_three(self):
        for expected in (0, 1, 2):
            self.assertEqual(self.next(), expected)
            self.measure(98.0)
        self.assertIsNone(self.next())

    def test_far_from_it_or_beyond_it_the_plans_are_enough(self):
        for ttft in (50.0, 101.0):
            with self.subTest(ttft):
                self.setUp()
                self.measure(ttft)
                self.assertIsNone(self.next())

    def test_a_resumed_run_asks_for_the_same(self):
        self.measure(98.0)
        # Another process reads the journal from its start.
        self.searches = Searches(os.path.dirname(self.journal.path), self.request)
        self.assertEqual(self.next(), 1)


class SearchRunTest(AgentTest):
    def cells(self):
        return [starting(f"c{at}", at >= 7) for at in range(12)]

    def request(self):
        cells = self.cells()
        request = run_request([*cells, starting("plain", True)], telemetry=False)
        goal = {"kind": "smallest-that-starts"}
        request["searches"] = [{"id": "s", "label": "smallest", "cells": [cell["id"] for cell in cells], "goal": goal}]
        return request

    def started(self):
        records, status = self.agent("run", self.request())
        self.assertEqual(status, 0, records)

    def of(self, records, kind, *fields):
        return [tuple(record[field] for field in fields) for record in records if record["type"] == kind]

    def test_it_runs_what_it_needs_passes_over_the_rest_and_says_so(self):
        self.started()
        self.assertEqual(self.follow().end()["state"], "finished")
        records = self.assert_journal_sound()
        (found,) = [record for record in records if record["type"] == "search-finished"]
        self.assertEqual((found["found"], found["smooth"]), ("c7", True))
        steps = self.of(records, "search-step", "cell", "outcome")
        self.assertLessEqual(len(steps), 5)
        self.assertEqual(len(self.of(records, "engine-starting", "cell")), len(steps) + 1)
        run = {cell for cell, _ in steps}
        passed = {cell for (cell,) in self.of(records, "cell-passed-over", "cell")}
        self.assertEqual(run | passed, {f"c{at}" for at in range(12)})
        self.assertFalse(run & passed)
        self.assertIn(("plain",), self.of(records, "cell-done", "cell"))
        status = self.statuses()[0]
        self.assertEqual((status["cellsDone"], status["cellsTotal"]), (13, 13))
        self.assertEqual(self.agent("resume", {"run": RUN})[0][0]["code"], "nothing-to-resume")

    def test_cut_off_after_any_record_it_goes_on_with_the_same_search(self):
        self.started()
        self.follow().end()
        path = os.path.join(self.run_folder(), "journal.jsonl")
        with open(path, encoding="utf-8") as file:
            lines = list(file)
        whole = [json.loads(line) for line in lines]
        kinds = ("cell-failed", "cell-done", "search-step", "search-finished", "cell-passed-over", "engine-starting")
        cuts = [at + 1 for at, record in enumerate(whole) if record["type"] in kinds]
        for cut in random.Random(5).sample(cuts, 4):
            with self.subTest(cut=cut):
                with open(path, "w", encoding="utf-8") as file:
                    file.writelines(lines[:cut])
                self.assertEqual(self.agent("resume", {"run": RUN})[1], 0)
                self.assertEqual(self.follow().end()["state"], "finished")
                records = self.assert_journal_sound()
                for kind, fields in (
                    ("search-step", ("cell", "outcome")),
                    ("search-finished", ("found", "good", "bad", "smooth", "why")),
                    ("cell-passed-over", ("cell",)),
                ):
                    self.assertEqual(self.of(records, kind, *fields), self.of(whole, kind, *fields))
        self.assert_nothing_left()


if __name__ == "__main__":
    unittest.main()
