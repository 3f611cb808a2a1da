"""Continuous batching in time, without a clock."""

import random
import statistics
import unittest

from loadline_agent.simulated_engine.parameters import BadParameters, Parameters
from loadline_agent.simulated_engine.scheduler import Scheduler, Sequence
from simulated_parameters import simulated


def scheduler(**changes):
    return Scheduler(Parameters(simulated(**changes)))


def run_dry(engine, limit=100000):
    """Steps until nothing is left: their durations and what each gave a token."""
    steps = []
    while len(steps) < limit:
        duration = engine.begin_step()
        if duration is None:
            return steps
        steps.append((duration, engine.end_step()))
    raise AssertionError("the scheduler never came to its end")


class Steps(unittest.TestCase):
    def test_a_prompt_takes_one_step_and_every_token_after_the_first_another(self):
        engine = scheduler()
        engine.add(Sequence("one", 100, 5))
        steps = run_dry(engine)
        self.assertEqual([len(emitted) for _, emitted in steps], [1] * 5)
        # base + one sequence + 100 prefilled, then base + one sequence + what is cached.
        expected = [0.001 + 0.00001 + 100 * 0.00001] + [0.001 + 0.00001 + (100 + n) * 0.0000001 for n in range(4)]
        for (duration, _), seconds in zip(steps, expected):
            self.assertAlmostEqual(duration, seconds, places=12)

    def test_a_long_prompt_is_prefilled_in_chunks_beside_the_decodes(self):
        engine = scheduler(maxNumBatchedTokens=100)
        first = Sequence("first", 10, 50)
        engine.add(first)
        engine.begin_step()
        engine.end_step()
        second = Sequence("second", 250, 2)
        engine.add(second)
        emitted = []
        for _ in range(3):
            engine.begin_step()
            emitted.append([sequence.owner for sequence in engine.end_step()])
        # 99 + 99 + 52: the decode comes first in each step's budget.
        self.assertEqual(emitted, [["first"], ["first"], ["first", "second"]])

    def test_no_more_sequences_run_than_may(self):
        engine = scheduler(maxNumSeqs=3)
        for number in range(10):
            engine.add(Sequence(number, 10, 10))
        engine.begin_step()
        self.assertEqual((len(engine.running), len(engine.waiting)), (3, 7))
        self.assertEqual([sequence.owner for sequence in engine.running], [0, 1, 2])

    def test_a_full_cache_makes_new_requests_wait(self):
        engine = scheduler(kvBlocks=128, maxNumBatchedTokens=4096)
        for number in range(4):
            engine.add(Sequence(number, 600, 2))
        engine.begin_step()
        # 38 blocks each: three fit 128, although eight sequences might run.
        self.assertEqual((len(engine.running), len(engine.waiting)), (3, 1))
        self.assertAlmostEqual(engine.kv_usage, 114 / 128)
        self.assertEqual(engine.preemptions, 0)
        self.assertEqual(sum(len(emitted) for _, emitted in [(0, engine.end_step())] + run_dry(engine)), 8)

    def test_a_cache_that_runs_out_preempts_the_youngest_and_computes_it_again(self):
        engine = scheduler(kvBlocks=8, maxModelLen=128)
        old, young = Sequence("old", 60, 60), Sequence("young", 60, 60)
        engine.add(old)
        engine.add(young)
        steps = run_dry(engine)
        self.assertGreater(engine.preemptions, 0)
        order = [sequence.owner for _, emitted in steps for sequence in emitted]
        self.assertEqual((order.count("old"), order.count("young")), (60, 60))
        self.assertLess(max(at for at, owner in enumerate(order) if owner == "old"), len(order) - 1)
        # What had been generated is prefilled again, with the prompt.
        self.assertGreater(engine.prefilled_tokens, 120)

    def test_a_client_that_goes_away_gives_its_blocks_back(self):
        engine = scheduler()
        running, waiting = Sequence("running", 100, 50), Sequence("waiting", 100, 50)
        engine.add(running)
        engine.begin_step()
        engine.add(waiting)
        engine.remove(running)
        engine.remove(waiting)
        self.assertEqual(engine.end_step(), [])
        self.assertEqual(engine.kv_usage, 0)
        self.assertIsNone(engine.begin_step())

    def test_whatever_comes_every_request_gets_its_tokens_and_every_limit_holds(self):
        generator = random.Random(11)
        for case in range(60):
            limits = {
                "maxNumSeqs": generator.randint(1, 12),
                "maxNumBatchedTokens": generator.randint(1, 300),
                "kvBlocks": generator.randint(32, 60),
                "maxModelLen": 512,
            }
            engine = scheduler(**limits)
            sequences = []
            for number in range(generator.randint(1, 30)):
                prompt = generator.randint(1, 400)
                sequences.append(Sequence(number, prompt, generator.randint(1, 512 - prompt)))
            to_come = list(sequences)
            gone = set()
            for _ in range(200000):
                while to_come and generator.random() < 0.3:
                    engine.add(to_come.pop())
                duration = engine.begin_step()
                if duration is None:
                    if not to_come:
                        break
                    continue
                with self.subTest(case=case, **limits):
                    self.assertLessEqual(len(engine.running), limits["maxNumSeqs"])
                    tokens = sum(tokens for _, tokens in engine._scheduled)
                    self.assertTrue(0 < tokens <= limits["maxNumBatchedTokens"])
                    held = sum(-(-sequence.computed // 16) for sequence in engine.running)
                    self.assertTrue(held <= limits["kvBlocks"] - engine.free_blocks <= limits["kvBlocks"])
                if engine.running and generator.random() < 0.002:
                    victim = generator.choice(engine.running)
                    engine.remove(victim)
                    gone.add(victim.owner)
                engine.end_step()
            with self.subTest(case=case, **limits):
                kept = [sequence for sequence in sequences if sequence.owner not in gone]
                self.assertEqual(
                    [sequence.generated for sequence in kept], [sequence.output_tokens for sequence in kept]
                )
                self.assertEqual((engine.free_blocks, engine.running), (limits["kvBlocks"], []))


class Noise(unittest.TestCase):
    def durations(self, seed, deviation=0.1):
        engine = scheduler(noise={"relativeDeviation": deviation, "seed": seed})
        engine.add(Sequence("one", 1, 2000))
        return [duration for duration, _ in run_dry(engine)]

    def test_is_the_same_for_a_seed_and_has_the_deviation_asked_for(self):
        self.assertEqual(self.durations(1), self.durations(1))
        self.assertNotEqual(self.durations(1), self.durations(2))
        ratios = [noisy / exact for noisy, exact in zip(self.durations(1), self.durations(1, 0))]
        self.assertAlmostEqual(statistics.mean(ratios), 1, delta=0.02)
        self.assertAlmostEqual(statistics.pstdev(ratios), 0.1, delta=0.01)

    def test_no_step_takes_no_time(self):
        self.assertGreater(min(self.durations(1, 5.0)), 0)


class Document(unittest.TestCase):
    def test_what_cannot_be_simulated_names_its_field(self):
        for changes, field in (
            ({"modelName": ""}, "modelName"),
            ({"startupSeconds": -1}, "startupSeconds"),
            ({"start": {"outcome": "melts"}}, "start.outcome"),
            ({"start": {"outcome": "refuses"}}, "exitCode"),
            ({"logLines": "one"}, "logLines"),
            ({"maxNumSeqs": 0}, "maxNumSeqs"),
            ({"blockSize": True}, "blockSize"),
            ({"kvBlocks": 10}, "kvBlocks"),
            ({"step": {"baseMs": float("nan")}}, "baseMs"),
            ({"noise": None}, "noise"),
        ):
            with self.subTest(changes), self.assertRaisesRegex(BadParameters, field):
                Parameters(simulated(**changes))
        with self.assertRaises(BadParameters):
            Parameters([])

    def test_an_engine_that_does_not_start_needs_no_cache(self):
        refused = Parameters(simulated(start={"outcome": "refuses", "exitCode": 1}, kvBlocks=0))
        self.assertEqual((refused.outcome, refused.exit_code), ("refuses", 1))


if __name__ == "__main__":
    unittest.main()
