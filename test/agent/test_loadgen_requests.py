"""What the load generator sends: lengths, prompts, bytes."""

import json
import math
import random
import statistics
import tracemalloc
import unittest

from loadline_agent.loadgen.histogram import MIN_MS, RATIO, gap_histogram, median_ms
from loadline_agent.loadgen.requests import BadProfile, RequestFactory, draw_lengths


def profile(**changes):
    return dict(
        {
            "profile": "closed-loop",
            "concurrency": 4,
            "requests": 40,
            "warmupRequests": 8,
            "input": {"kind": "normal", "mean": 200, "deviation": 40},
            "output": {"kind": "normal", "mean": 100, "deviation": 10},
            "api": "completions",
            "prompt": "token-ids",
            "seed": 7,
        },
        **changes,
    )


def factory(nonce=None, **changes):
    return RequestFactory(profile(**changes), "127.0.0.1", 8000, "secret", "a/model", nonce)


def body(request):
    head, _, text = request.partition(b"\r\n\r\n")
    lengths = [int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
    assert lengths == [len(text)]
    return json.loads(text.decode("utf-8"))


class Lengths(unittest.TestCase):
    def test_normal_lengths_have_the_mean_and_deviation_asked_for(self):
        for mean, deviation in ((200, 40), (100, 10)):
            lengths = draw_lengths({"kind": "normal", "mean": mean, "deviation": deviation}, 20000, "input", 1)
            # Five standard errors.
            self.assertAlmostEqual(statistics.mean(lengths), mean, delta=5 * deviation / math.sqrt(20000))
            self.assertAlmostEqual(statistics.pstdev(lengths), deviation, delta=5 * deviation / math.sqrt(40000))
            within = sum(abs(length - mean) <= deviation for length in lengths) / 20000
            self.assertAlmostEqual(within, 0.6827, delta=0.03)

    def test_normal_lengths_are_truncated_at_one_and_not_piled_up_there(self):
        lengths = draw_lengths({"kind": "normal", "mean": 10, "deviation": 10}, 20000, "input", 1)
        self.assertEqual(min(lengths), 1)
        self.assertLess(lengths.count(1), 2 * lengths.count(2))

    def test_fixed_lengths(self):
        self.assertEqual(draw_lengths({"kind": "fixed", "tokens": 5}, 3, "input", 1), [5, 5, 5])

    def test_the_seed_alone_decides(self):
        first, second, other = factory(), factory(), factory(seed=8)
        self.assertEqual(first.input_lengths, second.input_lengths)
        self.assertEqual(first.output_lengths, second.output_lengths)
        self.assertNotEqual(first.input_lengths, other.input_lengths)

    def test_neither_the_warm_up_nor_the_output_changes_the_input_lengths(self):
        plain = factory()
        changed = factory(warmupRequests=3, output={"kind": "fixed", "tokens": 1})
        self.assertEqual(plain.input_lengths[:40], changed.input_lengths[:40])

    def test_what_cannot_be_driven_names_its_field(self):
        for changes, field in (
            ({"input": {"kind": "uniform"}}, "input.kind"),
            ({"input": {"kind": "fixed", "tokens": 0}}, "input.tokens"),
            ({"output": {"kind": "normal", "mean": 0, "deviation": 1}}, "output.mean"),
            ({"output": {"kind": "normal", "mean": 10, "deviation": float("nan")}}, "output.deviation"),
            ({"input": {"kind": "fixed", "tokens": 10**9}}, "input.tokens"),
            ({"input": {"kind": "normal", "mean": 1e9, "deviation": 1}}, "input.mean"),
            ({"input": {"kind": "normal", "mean": 10, "deviation": 1e300}}, "input.deviation"),
            ({"api": "embeddings"}, "api"),
            ({"prompt": "dataset"}, "prompt"),
            ({"api": "chat"}, "prompt"),
        ):
            with self.subTest(changes), self.assertRaisesRegex(BadProfile, field):
                factory(**changes)
        with self.assertRaisesRegex(BadProfile, "API key"):
            RequestFactory(profile(), "h", 1, "line\nbreak", "m")


class Prompts(unittest.TestCase):
    def test_token_ids_have_the_lengths_drawn(self):
        made = factory()
        for serial in range(48):
            document = body(made.request(serial))
            self.assertEqual(len(document["prompt"]), made.input_lengths[serial])
            self.assertEqual(document["max_tokens"], made.output_lengths[serial])
            self.assertTrue(all(1000 <= token <= 9999 for token in document["prompt"]))

    def test_one_token_is_enough(self):
        document = body(factory(input={"kind": "fixed", "tokens": 1}).request(0))
        self.assertEqual(len(document["prompt"]), 1)

    def test_a_prompt_longer_than_the_pool_goes_round_in_it(self):
        for kind in ("token-ids", "text"):
            with self.subTest(kind):
                made = factory(input={"kind": "fixed", "tokens": 200000}, prompt=kind)
                prompt = body(made.request(0))["prompt"]
                items = prompt.split() if kind == "text" else prompt
                self.assertEqual(len(items), 200000)
                self.assertEqual(items[4:1000], items[4 + 65536 : 1000 + 65536])

    def test_what_is_held_does_not_grow_with_the_length(self):
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        factory(requests=1, warmupRequests=0, input={"kind": "fixed", "tokens": 2000000})
        self.assertLess(tracemalloc.get_traced_memory()[1], 10 << 20)

    def test_no_two_prompts_begin_alike(self):
        # 16 tokens are the smallest block that a prefix cache keeps.
        begins = [tuple(body(made.request(serial))["prompt"][:16]) for made in (factory(1), factory(2)) for serial in range(48)]
        self.assertEqual(len(set(begins)), 96)

    def test_chat_sends_words(self):
        made = factory(api="chat", prompt="text")
        document = body(made.request(3))
        self.assertEqual(len(document["messages"][0]["content"].split()), made.input_lengths[3])
        self.assertEqual(document["max_tokens"], made.output_lengths[3])

    def test_asks_for_a_stream_with_usage_of_exactly_that_length(self):
        request = factory().request(0)
        document = body(request)
        self.assertTrue(request.startswith(b"POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n"))
        self.assertIn(b"\r\nAuthorization: Bearer secret\r\n", request)
        self.assertEqual(
            (document["model"], document["stream"], document["ignore_eos"], document["stream_options"]),
            ("a/model", True, True, {"include_usage": True}),
        )


class Histogram(unittest.TestCase):
    def test_a_gap_is_known_to_within_the_ratio(self):
        generator = random.Random(3)
        for _ in range(2000):
            gap_ms = 10 ** generator.uniform(math.log10(MIN_MS), 5)
            ((bucket, count),) = gap_histogram([gap_ms / 1000.0])["counts"]
            low = MIN_MS * RATIO**bucket
            self.assertEqual(count, 1)
            # Rounding may put a gap that lies on a border to either side of it.
            self.assertTrue(low * (1 - 1e-9) <= gap_ms <= low * RATIO * (1 + 1e-9), gap_ms)

    def test_gaps_under_the_least_are_in_bucket_zero(self):
        self.assertEqual(gap_histogram([0.0, 0.000001, -0.000001])["counts"], [[0, 3]])

    def test_counts_ascend_and_none_is_lost(self):
        generator = random.Random(4)
        gaps = [generator.expovariate(100) for _ in range(5000)]
        counts = gap_histogram(gaps)["counts"]
        self.assertEqual([bucket for bucket, _ in counts], sorted({bucket for bucket, _ in counts}))
        self.assertEqual(sum(count for _, count in counts), 5000)

    def test_the_median_is_within_the_ratio(self):
        generator = random.Random(5)
        gaps = [generator.lognormvariate(-4, 1) for _ in range(5001)]
        truth = sorted(gaps)[2500] * 1000.0
        self.assertAlmostEqual(median_ms(gap_histogram(gaps)) / truth, 1.0, delta=RATIO - 1)
        self.assertIsNone(median_ms(gap_histogram([])))


if __name__ == "__main__":
    unittest.main()
