"""What the load generator sends: lengths, prompts, bytes."""

import json
import math
import random
import tracemalloc
import unittest

from loadline_agent.loadgen.histogram import MIN_MS, RATIO, gap_counts, gap_histogram, median_ms
from loadline_agent.loadgen.profile import BadProfile
from loadline_agent.loadgen.prompts import Sizing
from loadline_agent.loadgen.requests import RequestFactory
from loadline_agent.loadgen.targets import Target


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


TARGET = Target("127.0.0.1", 8000, "secret")


def factory(nonce=None, warmup=False, targets=(TARGET,), sizing=Sizing(), **changes):
    return RequestFactory(profile(**changes), targets, "a/model", warmup, sizing, nonce)


def body(request):
    head, _, text = request.partition(b"\r\n\r\n")
    lengths = [int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
    assert lengths == [len(text)]
    return json.loads(text.decode("utf-8"))


class Lengths(unittest.TestCase):
    def test_the_seed_alone_decides(self):
        first, second, other = factory(), factory(), factory(seed=8)
        for name in ("input_lengths", "output_lengths"):
            drawn = [[getattr(made, name)[serial] for serial in range(40)] for made in (first, second, other)]
            self.assertEqual(drawn[0], drawn[1])
            self.assertNotEqual(drawn[0], drawn[2])

    def test_neither_the_warm_up_nor_the_output_changes_the_input_lengths(self):
        plain = factory()
        changed = factory(warmupRequests=3, output={"kind": "fixed", "tokens": 1})
        same = [[made.input_lengths[serial] for serial in range(40)] for made in (plain, changed)]
        self.assertEqual(same[0], same[1])

    def test_a_key_that_no_header_can_carry_is_refused(self):
        with self.assertRaisesRegex(BadProfile, "API key"):
            factory(targets=[Target("h", 1, "line\nbreak")])


class Prompts(unittest.TestCase):
    def test_token_ids_have_the_lengths_drawn(self):
        made = factory()
        for serial in range(40):
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

    def test_no_two_prompts_begin_alike_and_none_as_the_warm_up(self):
        # 16 tokens are the smallest block that a prefix cache keeps.
        begins = [
            tuple(body(made.request(serial))["prompt"][:16])
            for made in (factory(1), factory(2), factory(3, warmup=True))
            for serial in range(40)
        ]
        self.assertEqual(len(set(begins)), 120)

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


class SharedPrefixes(unittest.TestCase):
    def test_groups_take_turns_and_are_part_of_the_length(self):
        made = factory(sharedPrefix={"tokens": 64, "groups": 3})
        prompts = [body(made.request(serial))["prompt"] for serial in range(12)]
        prefixes = [tuple(prompt[:64]) for prompt in prompts]
        self.assertEqual(len(set(prefixes)), 3)
        self.assertEqual(prefixes[:3] * 4, prefixes)
        self.assertEqual([len(prompt) for prompt in prompts], [made.input_lengths[serial] for serial in range(12)])
        self.assertEqual(len({tuple(prompt[64:80]) for prompt in prompts}), 12)

    def test_of_a_prompt_that_is_no_longer_than_it_the_last_token_is_its_own(self):
        made = factory(input={"kind": "fixed", "tokens": 8}, sharedPrefix={"tokens": 64, "groups": 1})
        prompts = [tuple(body(made.request(serial))["prompt"]) for serial in range(20)]
        self.assertEqual({len(prompt) for prompt in prompts}, {8})
        self.assertEqual((len({prompt[:7] for prompt in prompts}), len(set(prompts))), (1, 20))

    def test_the_warm_up_has_others(self):
        measured, warmed = (factory(warmup=warmup, sharedPrefix={"tokens": 64, "groups": 3}) for warmup in (False, True))
        first = [{tuple(body(made.request(serial))["prompt"][:64]) for serial in range(6)} for made in (measured, warmed)]
        self.assertFalse(first[0] & first[1])

    def test_of_a_chat_is_its_system_message(self):
        made = factory(api="chat", prompt="text", sharedPrefix={"tokens": 20, "groups": 1})
        messages = body(made.request(0))["messages"]
        self.assertEqual([message["role"] for message in messages], ["system", "user"])
        self.assertEqual(len(messages[0]["content"].split()), 20)


class Conversations(unittest.TestCase):
    def grown(self, answer, **changes):
        made = factory(turns={"count": 3}, requests=6, **changes)
        conversation = made.conversation(0)
        for serial in (1, 2):
            before = conversation
            conversation = made.conversation(serial, made.with_answer(before, answer, serial - 1))
            self.assertTrue(conversation.startswith(before))
        return made, body(made.request_of(conversation, 2, 0))

    def test_ids_are_followed_by_the_ids_that_were_answered(self):
        made, document = self.grown("7,8,9", sharedPrefix={"tokens": 5, "groups": 2})
        self.assertEqual(len(document["prompt"]), sum(made.input_lengths[serial] for serial in range(3)) + 2 * 3)
        self.assertTrue(document["return_token_ids"])

    def test_what_was_not_said_is_stood_in_for_by_as_many_ids(self):
        made, document = self.grown("")
        told = sum(made.input_lengths[serial] for serial in range(3)) + sum(made.output_lengths[at] for at in range(2))
        self.assertEqual(len(document["prompt"]), told)

    def test_a_chat_repeats_what_was_said_escaped_as_it_came(self):
        _, document = self.grown('say \\"hé\\" 你', api="chat", prompt="text")
        roles = [message["role"] for message in document["messages"]]
        self.assertEqual(roles, ["user", "assistant", "user", "assistant", "user"])
        self.assertEqual(document["messages"][1]["content"], 'say "hé" 你')

    def test_text_goes_on_as_one_text(self):
        _, document = self.grown(" and so", api="completions", prompt="text")
        self.assertEqual(document["prompt"].count(" and so "), 2)


class Requests(unittest.TestCase):
    def test_each_copy_is_sent_to_at_its_own_address_with_its_own_key(self):
        copies = [Target("127.0.0.1", 8001, "one"), Target("::1", 8002, "two", path="/serve")]
        made = factory(targets=copies)
        first, second = made.request(0, 0), made.request(0, 1)
        self.assertIn(b"Host: 127.0.0.1:8001\r\n", first)
        self.assertTrue(second.startswith(b"POST /serve/v1/completions HTTP/1.1\r\nHost: [::1]:8002\r\n"))
        self.assertIn(b"Bearer two\r\n", second)

    def test_without_a_stream_none_is_asked_for(self):
        document = body(factory(stream=False).request(0))
        self.assertEqual((document["stream"], "stream_options" in document), (False, False))

    def test_words_are_as_many_as_the_sizing_says(self):
        sizing = Sizing("usage", words_per_token=0.5, overhead_tokens=20)
        made = factory(api="chat", prompt="text", input={"kind": "fixed", "tokens": 220}, sizing=sizing)
        self.assertEqual(len(body(made.request(0))["messages"][0]["content"].split()), 100)


class Histogram(unittest.TestCase):
    def test_a_gap_is_known_to_within_the_ratio(self):
        generator = random.Random(3)
        for _ in range(2000):
            gap_ms = 10 ** generator.uniform(math.log10(MIN_MS), 5)
            ((bucket, count),) = gap_histogram(gap_counts([gap_ms / 1000.0]))["counts"]
            low = MIN_MS * RATIO**bucket
            self.assertEqual(count, 1)
            # Rounding may put a gap that lies on a border to either side of it.
            self.assertTrue(low * (1 - 1e-9) <= gap_ms <= low * RATIO * (1 + 1e-9), gap_ms)

    def test_gaps_under_the_least_are_in_bucket_zero(self):
        self.assertEqual(gap_histogram(gap_counts([0.0, 0.000001, -0.000001]))["counts"], [[0, 3]])

    def test_counts_ascend_and_none_is_lost(self):
        generator = random.Random(4)
        gaps = [generator.expovariate(100) for _ in range(5000)]
        counts = gap_histogram(gap_counts(gaps))["counts"]
        self.assertEqual([bucket for bucket, _ in counts], sorted({bucket for bucket, _ in counts}))
        self.assertEqual(sum(count for _, count in counts), 5000)

    def test_the_median_is_within_the_ratio(self):
        generator = random.Random(5)
        gaps = [generator.lognormvariate(-4, 1) for _ in range(5001)]
        truth = sorted(gaps)[2500] * 1000.0
        self.assertAlmostEqual(median_ms(gap_counts(gaps)) / truth, 1.0, delta=RATIO - 1)
        self.assertIsNone(median_ms({}))


if __name__ == "__main__":
    unittest.main()
