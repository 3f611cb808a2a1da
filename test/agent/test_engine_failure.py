"""Causes are found wherever in the log they stand, in vLLM's own words."""

import tempfile
import unittest
from unittest import mock

from loadline_agent.engines.failure import diagnose
from loadline_agent.engines.vllm import CAUSES
from loadline_agent.runs import host_memory

NOISE = [
    f"(EngineCore pid=7) ERROR 11-21 13:40:11 [core.py:{line}]   File somewhere.py, line {line}" for line in range(400)
]

#: (line as vLLM words it, kind)
WORDS = (
    (
        "ValueError: Free memory on device (3.2/139.8 GiB) on startup is less than desired GPU memory utilization (0.92, 128.62 GiB). Decrease",
        "refused",
    ),
    (
        "ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization` when initializing the engine.",
        "refused",
    ),
    (
        "ValueError: To serve at least one request with the model's max seq len (131072), (16.0 GiB KV cache is needed, which is larger than the available KV cache memory (6.1 GiB).",
        "refused",
    ),
    (
        "RuntimeError: CUDA out of memory occurred when warming up sampler with 1024 dummy requests. Please try lowering `max_num_seqs`",
        "out-of-memory",
    ),
    (
        "AssertionError: Error in memory profiling. Initial free memory 10.0 GiB, current free memory 12.0 GiB.",
        "profiling-disturbed",
    ),
    (
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 139.80 GiB of which 1.1 GiB is free.",
        "out-of-memory",
    ),
    ("torch.AcceleratorError: CUDA error: out of memory", "out-of-memory"),
    ("OSError: [Errno 98] Address already in use", "port-in-use"),
    ("vllm serve: error: unrecognized arguments: --no-such-flag 3", "unknown-flag"),
    ("pydantic_core._pydantic_core.ValidationError: 1 validation error for ModelConfig", "refused"),
)


class FailureTest(unittest.TestCase):
    def test_the_longest_that_fits_is_read_from_every_releases_words(self):
        for whose in ("model's", "models's", "models"):
            line = f"ValueError: To serve at least one request with the {whose} max seq len (131072), (8.00 GiB KV cache is needed, which is larger than the available KV cache memory (4.61 GiB). Based on the available memory, the estimated maximum model length is 75568. Try increasing"
            with self.subTest(whose):
                found = diagnose([line], CAUSES, "with exit code 1")
                self.assertEqual(
                    [(remedy["flag"], remedy["change"], remedy.get("to")) for remedy in found.remedies],
                    [("max-model-len", "set", 75568), ("gpu-memory-utilization", "raise", None)],
                )

    def test_the_cause_is_found_far_above_the_end(self):
        for line, kind in WORDS:
            with self.subTest(line=line):
                found = diagnose(
                    [
                        *NOISE[:20],
                        line,
                        *NOISE,
                        "RuntimeError: Engine core initialization failed. See root cause above.",
                    ],
                    CAUSES,
                    "with exit code 1",
                )
                self.assertEqual(found.kind, kind)
                self.assertIn(line[:60], found.message)
                self.assertIn(line, found.excerpt)
                self.assertIn("RuntimeError: Engine core initialization failed. See root cause above.", found.excerpt)
                self.assertLess(len(found.excerpt), 25)

    def test_a_start_that_went_well_has_no_cause(self):
        # vLLM logs this line at every start; it must not be read as a lack of memory.
        usual = "Free memory on device (139.29/139.8 GiB) on startup. Desired GPU memory utilization is (0.3, 41.94 GiB). Actual usage is 0.93 GiB for weight"
        self.assertEqual(diagnose([usual], CAUSES, "with exit code 3").kind, "crashed")

    def test_killed(self):
        self.assertIn("host memory", diagnose([], CAUSES, "by SIGKILL").message)

    def test_killed_for_want_of_memory_is_sure_where_the_kernel_counted_it(self):
        found = diagnose(["loading"], CAUSES, "with exit code 1", (), host_out_of_memory=True)
        self.assertEqual(found.kind, "host-out-of-memory")
        # What the engine itself said goes before: the kill may have been another's.
        said = diagnose([WORDS[0][0]], CAUSES, "by SIGKILL", (), host_out_of_memory=True)
        self.assertEqual(said.kind, "refused")

    def test_kills_are_read_as_both_versions_of_control_groups_write_them(self):
        for text in ("low 0\nhigh 0\nmax 3\noom 1\noom_kill 2\n", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"):
            with tempfile.NamedTemporaryFile("w") as file:
                file.write(text)
                file.flush()
                with mock.patch.object(host_memory, "counters", lambda: ["/nonexistent", file.name]):
                    self.assertEqual(host_memory.kills_of_memory(), 2)
        with mock.patch.object(host_memory, "counters", lambda: ["/nonexistent"]):
            self.assertIsNone(host_memory.kills_of_memory())

    def test_never_ready(self):
        self.assertEqual(diagnose(["loading"], CAUSES, None).kind, "timeout")


if __name__ == "__main__":
    unittest.main()
