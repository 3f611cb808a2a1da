"""What a load profile draws before anything is sent: its fields, lengths, arrivals, and the order of requests."""

import bisect
import math
import statistics
import unittest

from loadline_agent.loadgen.arrivals import arrival_offsets
from loadline_agent.loadgen.lengths import Lengths, draw_lengths, mean_length
from loadline_agent.loadgen.pacing import pacing_of, warmup_pacing
from loadline_agent.loadgen.parallel import process_count
from loadline_agent.loadgen.profile import MOST_TOKENS, BadProfile, check_profile

DRAWN = 20000


def profile(kind="closed-loop", **changes):
    given = {
        "profile": kind,
        "requests": 40,
        "warmupRequests": 8,
        "input": {"kind": "normal", "mean": 200, "deviation": 40},
        "output": {"kind": "normal", "mean": 100, "deviation": 10},
        "api": "completions",
        "prompt": "token-ids",
        "seed": 7,
    }
    own = {
        "closed-loop": {"concurrency": 4},
        "open-loop": {"requestsPerSecond": 10, "arrivals": "poisson"},
        "trace": {"entries": [{"atMs": 0, "inputTokens": 5, "outputTokens": 6}]},
        "offline": {},
    }
    return {**given, **own[kind], **changes}


class Fields(unittest.TestCase):
    def test_every_kind_of_load_is_taken(self):
        for kind in ("closed-loop", "open-loop", "trace", "offline"):
            check_profile(profile(kind))

    def test_what_cannot_be_driven_names_its_field(self):
        for kind, changes, field in (
            ("closed-loop", {"profile": "ladder"}, "profile"),
            ("closed-loop", {"concurrency": 0}, "concurrency"),
            ("closed-loop", {"requests": True}, "requests"),
            ("closed-loop", {"seconds": 0}, "seconds"),
            ("closed-loop", {"seconds": float("nan")}, "seconds"),
            ("closed-loop", {"input": None}, "input"),
            ("closed-loop", {"input": {"kind": "zipf"}}, "input.kind"),
            ("closed-loop", {"input": {"kind": "fixed", "tokens": 0}}, "input.tokens"),
            ("closed-loop", {"input": {"kind": "fixed", "tokens": 10**9}}, "input.tokens"),
            ("closed-loop", {"output": {"kind": "normal", "mean": 0, "deviation": 1}}, "output.mean"),
            ("closed-loop", {"output": {"kind": "normal", "mean": 10, "deviation": float("nan")}}, "output.deviation"),
            ("closed-loop", {"input": {"kind": "lognormal", "mean": 1e9, "deviation": 1}}, "input.mean"),
            ("closed-loop", {"input": {"kind": "uniform", "least": 9, "most": 8}}, "input.most"),
            ("closed-loop", {"input": {"kind": "empirical", "values": []}}, "input.values"),
            ("closed-loop", {"input": {"kind": "empirical", "values": [4, 0]}}, r"input.values\[1\]"),
            ("closed-loop", {"api": "embeddings"}, "api"),
            ("closed-loop", {"prompt": "dataset"}, "prompt"),
            ("closed-loop", {"api": "chat"}, "prompt"),
            ("closed-loop", {"seed": "x"}, "seed"),
            ("closed-loop", {"sharedPrefix": {"tokens": 4}}, "sharedPrefix.groups"),
            ("closed-loop", {"turns": {"count": 0}}, "turns.count"),
            ("closed-loop", {"turns": {"count": 2, "thinkMs": -1}}, "turns.thinkMs"),
            ("closed-loop", {"processes": 0}, "processes"),
            ("open-loop", {"requestsPerSecond": 0}, "requestsPerSecond"),
            ("open-loop", {"arrivals": "uniform"}, "arrivals"),
            ("open-loop", {"arrivals": "gamma", "burstiness": 0}, "burstiness"),
            ("open-loop", {"maxConcurrency": 0}, "maxConcurrency"),
            ("open-loop", {"ramp": {"fromRequestsPerSecond": 0, "seconds": 1, "shape": "exponential"}}, "ramp.from"),
            ("open-loop", {"ramp": {"fromRequestsPerSecond": 1, "seconds": 1, "shape": "steps"}}, "ramp.shape"),
            ("trace", {"entries": []}, "entries"),
            ("trace", {"entries": [{"atMs": -1, "inputTokens": 1, "outputTokens": 1}]}, r"entries\[0\].atMs"),
            ("trace", {"speed": 0}, "speed"),
        ):
            with self.subTest(changes), self.assertRaisesRegex(BadProfile, field):
                check_profile(profile(kind, **changes))


class DrawnLengths(unittest.TestCase):
    def assert_mean_and_deviation(self, lengths, mean, deviation):
        """Within five standard errors; rounding to whole tokens adds 1/12 to the variance."""
        count = len(lengths)
        self.assertAlmostEqual(statistics.mean(lengths), mean, delta=5 * deviation / math.sqrt(count))
        rounded = math.sqrt(deviation * deviation + 1.0 / 12.0)
        self.assertAlmostEqual(statistics.pstdev(lengths), rounded, delta=5 * rounded / math.sqrt(2 * count))

    def test_normal_ones_have_the_mean_deviation_and_shape_asked_for(self):
        for mean, deviation in ((200, 40), (100, 10)):
            for seed in range(5):
                lengths = draw_lengths({"kind": "normal", "mean": mean, "deviation": deviation}, DRAWN, "input", seed)
                self.assert_mean_and_deviation(lengths, mean, deviation)
                for deviations, share in ((1, 0.6827), (2, 0.9545)):
                    # A length stands for all that is rounded to it.
                    reach = deviations * deviation
                    within = sum(abs(length - mean) < reach for length in lengths)
                    within += sum(abs(length - mean) == reach for length in lengths) / 2
                    self.assertAlmostEqual(within / DRAWN, share, delta=5 * math.sqrt(share * (1 - share) / DRAWN))

    def test_normal_ones_are_truncated_at_one_and_not_piled_up_there(self):
        lengths = draw_lengths({"kind": "normal", "mean": 10, "deviation": 10}, DRAWN, "input", 1)
        self.assertEqual(min(lengths), 1)
        self.assertLess(lengths.count(1), 2 * lengths.count(2))
        # The mean of a normal distribution cut at 0.5: mu + sigma phi(a) / (1 - Phi(a)), a = (0.5 - mu) / sigma.
        cut = (0.5 - 10) / 10
        density = math.exp(-cut * cut / 2) / math.sqrt(2 * math.pi)
        above = 0.5 * math.erfc(cut / math.sqrt(2))
        self.assertAlmostEqual(statistics.mean(lengths), 10 + 10 * density / above, delta=0.3)

    def test_lognormal_ones_have_the_mean_and_deviation_of_the_lengths(self):
        lengths = draw_lengths({"kind": "lognormal", "mean": 300, "deviation": 150}, 5 * DRAWN, "input", 1)
        self.assertAlmostEqual(statistics.mean(lengths), 300, delta=5 * 150 / math.sqrt(5 * DRAWN))
        self.assertAlmostEqual(statistics.pstdev(lengths), 150, delta=8)
        self.assertLess(statistics.median(lengths), 280)

    def test_uniform_ones_take_both_ends_and_every_length_between(self):
        lengths = draw_lengths({"kind": "uniform", "least": 10, "most": 20}, DRAWN, "input", 1)
        self.assertEqual(sorted(set(lengths)), list(range(10, 21)))
        self.assert_mean_and_deviation(lengths, 15, math.sqrt(120 / 12))

    def test_empirical_ones_come_as_often_as_they_are_given(self):
        lengths = draw_lengths({"kind": "empirical", "values": [7, 7, 7, 900]}, DRAWN, "input", 1)
        self.assertEqual(set(lengths), {7, 900})
        self.assertAlmostEqual(lengths.count(7) / DRAWN, 0.75, delta=0.02)

    def test_fixed_ones(self):
        self.assertEqual(draw_lengths({"kind": "fixed", "tokens": 5}, 3, "input", 1), [5, 5, 5])

    def test_a_length_does_not_depend_on_how_many_were_drawn_before(self):
        few = Lengths({"kind": "normal", "mean": 200, "deviation": 40}, 3, "input", 9)
        many = Lengths({"kind": "normal", "mean": 200, "deviation": 40}, 1000, "input", 9)
        self.assertEqual([few[serial] for serial in (700, 0, 2)], [many[serial] for serial in (700, 0, 2)])

    def test_none_is_beyond_the_most(self):
        lengths = draw_lengths({"kind": "normal", "mean": MOST_TOKENS, "deviation": 9}, 100, "input", 1)
        self.assertLessEqual(max(lengths), MOST_TOKENS)

    def test_the_mean_is_known_beforehand(self):
        self.assertEqual(mean_length({"kind": "uniform", "least": 10, "most": 20}), 15)
        self.assertEqual(mean_length({"kind": "empirical", "values": [1, 2, 6]}), 3)


class Arrivals(unittest.TestCase):
    def gaps(self, count=DRAWN, **changes):
        offsets = arrival_offsets(profile("open-loop", requestsPerSecond=50, **changes), count)
        self.assertEqual(list(offsets), sorted(offsets))
        return [later - earlier for earlier, later in zip(offsets, offsets[1:])]

    def test_poisson_gaps_are_exponential_of_the_rate(self):
        gaps = self.gaps(arrivals="poisson")
        self.assertAlmostEqual(statistics.mean(gaps), 0.02, delta=5 * 0.02 / math.sqrt(DRAWN))
        self.assertAlmostEqual(statistics.pstdev(gaps) / 0.02, 1.0, delta=0.05)
        self.assertAlmostEqual(sum(gap > 0.02 for gap in gaps) / len(gaps), math.exp(-1), delta=0.02)

    def test_gamma_gaps_have_the_shape_asked_for(self):
        for shape in (0.25, 1, 4):
            gaps = self.gaps(arrivals="gamma", burstiness=shape)
            self.assertAlmostEqual(statistics.mean(gaps) / 0.02, 1.0, delta=0.06)
            self.assertAlmostEqual(statistics.pstdev(gaps) / statistics.mean(gaps), 1 / math.sqrt(shape), delta=0.1)

    def test_constant_gaps_are_all_alike(self):
        for gap in self.gaps(count=500, arrivals="constant"):
            self.assertAlmostEqual(gap, 0.02)

    def test_bursts_come_at_once_and_keep_the_rate(self):
        offsets = arrival_offsets(profile("open-loop", requestsPerSecond=50, arrivals="burst", burstiness=10), 100)
        for at, offset in enumerate(offsets):
            self.assertAlmostEqual(offset, at // 10 * 0.2)
        offsets = arrival_offsets(profile("open-loop", requestsPerSecond=50, arrivals="burst"), 101)
        self.assertAlmostEqual(offsets[49], 0.0)
        self.assertAlmostEqual(offsets[50], 1.0)

    def test_none_is_due_after_the_seconds(self):
        offsets = arrival_offsets(profile("open-loop", requestsPerSecond=50, seconds=10), DRAWN)
        self.assertLess(offsets[-1], 10)
        self.assertAlmostEqual(len(offsets), 500, delta=5 * math.sqrt(500))

    def test_ramps_bring_the_requests_that_lie_under_them(self):
        for shape, begin, within in (
            ("linear", 0, 10 * 100 / 2),
            ("linear", 200, 10 * 150),
            ("exponential", 1, 10 * (100 - 1) / math.log(100)),
            ("exponential", 100, 10 * 100),
        ):
            with self.subTest(shape=shape, begin=begin):
                ramp = {"fromRequestsPerSecond": begin, "seconds": 10, "shape": shape}
                offsets = arrival_offsets(
                    profile("open-loop", requestsPerSecond=100, arrivals="constant", ramp=ramp), DRAWN
                )
                self.assertAlmostEqual(bisect.bisect_left(offsets, 10.0), within, delta=1.5)
                # Then the rate itself.
                self.assertAlmostEqual(bisect.bisect_left(offsets, 12.0) - bisect.bisect_left(offsets, 11.0), 100, delta=1)

    def test_a_linear_ramp_has_the_rate_of_the_moment(self):
        ramp = {"fromRequestsPerSecond": 0, "seconds": 100, "shape": "linear"}
        offsets = arrival_offsets(profile("open-loop", requestsPerSecond=100, arrivals="constant", ramp=ramp), DRAWN)
        for second in (10, 50, 90):
            came = bisect.bisect_left(offsets, second + 1) - bisect.bisect_left(offsets, second)
            self.assertAlmostEqual(came, second + 0.5, delta=1.01)


class Order(unittest.TestCase):
    def test_a_closed_loop_has_users(self):
        pacing = pacing_of(profile(requests=40, concurrency=64))
        self.assertEqual((pacing.users, pacing.offsets, list(pacing.sessions)), (40, None, list(range(40))))

    def test_offline_all_are_due_at_once(self):
        pacing = pacing_of(profile("offline"))
        self.assertEqual(set(pacing.offsets), {0.0})
        self.assertEqual(len(pacing.offsets), 40)

    def test_sessions_are_whole_and_their_turns_follow_each_other(self):
        pacing = pacing_of(profile(requests=11, turns={"count": 3, "thinkMs": 500}))
        self.assertEqual((list(pacing.sessions), pacing.count), ([0, 3, 6], 9))
        self.assertEqual([pacing.following.next(serial) for serial in (0, 1, 2)], [1, 2, None])
        self.assertEqual([pacing.following.turn(serial) for serial in (3, 4, 5)], [0, 1, 2])
        self.assertEqual(pacing.following.due(1, 2.0), 2.5)

    def test_sessions_come_so_rarely_that_requests_keep_the_rate(self):
        pacing = pacing_of(profile("open-loop", requests=300, requestsPerSecond=30, arrivals="constant", turns={"count": 3}))
        self.assertEqual(len(pacing.sessions), 100)
        self.assertAlmostEqual(pacing.offsets[1] - pacing.offsets[0], 0.1)

    def test_a_trace_keeps_its_times_and_its_sessions(self):
        entries = [
            {"atMs": at, "inputTokens": 5, "outputTokens": 6, **({} if session is None else {"session": session})}
            for at, session in ((4000, 1), (0, None), (1000, 1), (8000, 1))
        ]
        pacing = pacing_of(profile("trace", entries=entries, speed=2))
        self.assertEqual((list(pacing.sessions), list(pacing.offsets), pacing.count), ([1, 2], [0.0, 0.5], 4))
        self.assertEqual([pacing.following.next(serial) for serial in (2, 0, 3)], [0, 3, None])
        self.assertEqual([pacing.following.turn(serial) for serial in (1, 2, 0, 3)], [0, 0, 1, 2])
        # At its time, or when the turn before it was answered.
        self.assertEqual((pacing.following.due(0, 1.0), pacing.following.due(0, 9.0)), (2.0, 9.0))

    def test_parts_are_disjoint_and_make_the_whole(self):
        for given in (
            profile(requests=41, concurrency=10),
            profile("offline", requests=41),
            profile("open-loop", requests=41, maxConcurrency=10),
            profile(requests=41, concurrency=10, turns={"count": 2}),
        ):
            whole = pacing_of(given)
            parts = [pacing_of(given, part, 3) for part in range(3)]
            self.assertEqual(sorted(serial for part in parts for serial in part.sessions), list(whole.sessions))
            self.assertEqual(sum(part.count for part in parts), whole.count)
            self.assertEqual(sum(part.users for part in parts), whole.users)
            if whole.offsets is not None:
                due = {serial: at for part in parts for serial, at in zip(part.sessions, part.offsets)}
                self.assertEqual([due[serial] for serial in whole.sessions], list(whole.offsets))
            warmups = [list(warmup_pacing(given, part, 3).sessions) for part in range(3)]
            self.assertEqual(sorted(sum(warmups, [])), list(range(8)))


class Processes(unittest.TestCase):
    def test_one_where_one_is_enough(self):
        self.assertEqual(process_count(profile(concurrency=64)), 1)
        self.assertEqual(process_count(profile("open-loop", requestsPerSecond=100)), 1)

    def test_as_many_as_the_profile_says_but_none_without_a_stream(self):
        self.assertEqual(process_count(profile(concurrency=64, processes=3)), 3)
        self.assertEqual(process_count(profile(concurrency=2, processes=3)), 2)
        self.assertEqual(process_count(profile("offline", requests=40, turns={"count": 20}, processes=3)), 2)

    def test_more_by_the_events_that_are_offered_up_to_the_processors_less_one(self):
        import os
        from unittest import mock

        for processors, count in ((64, 5), (4, 3), (1, 1)):
            with mock.patch.object(os, "sched_getaffinity", return_value=set(range(processors))):
                self.assertEqual(process_count(profile(concurrency=4096, requests=9000)), count)
                self.assertEqual(process_count(profile("open-loop", requests=9000, requestsPerSecond=2500)), count)


if __name__ == "__main__":
    unittest.main()
