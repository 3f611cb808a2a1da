"""Each engine's own file: it listens on loopback, keeps its key out of arguments, and its metrics and its log are read in its words."""

import ast
import os
import re
import unittest

from loadline_agent.engines import BY_NAME
from loadline_agent.engines.failure import diagnose, phase_at
from loadline_agent.requests import ENGINES
from loadline_agent.runs.metrics import normalised

FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures")
LOGS = os.path.join(FIXTURES, "engine-logs")
SOURCE = os.path.join(FIXTURES, "..", "..", "src")
VLLM = os.path.join(FIXTURES, "vllm-0.26-h200")
H100 = os.path.join(FIXTURES, "runs", "vllm-0.26-h100-2026-11-25")

#: Options by which an engine would take a key where everybody can read it.
KEY_OPTIONS = re.compile(r"key|token|secret", re.I)


def lines_of(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.readlines()


class EachEngineTest(unittest.TestCase):
    def test_a_request_may_name_just_the_engines_that_have_a_file(self):
        self.assertEqual(sorted(ENGINES), sorted(BY_NAME))

    def test_it_listens_on_loopback_at_the_port_that_it_is_given(self):
        for kind in BY_NAME.values():
            with self.subTest(engine=kind.name):
                told = [*kind.arguments("127.0.0.1", 4711), *kind.variables("127.0.0.1", 4711).values()]
                self.assertIn("127.0.0.1", told)
                self.assertIn("4711", told)
                self.assertNotIn("0.0.0.0", " ".join(told))

    def test_no_key_is_in_its_arguments(self):
        for kind in BY_NAME.values():
            with self.subTest(engine=kind.name):
                self.assertEqual([word for word in kind.arguments("127.0.0.1", 1) if KEY_OPTIONS.search(word)], [])

    def test_those_alone_take_a_key_that_keep_it_in_their_environment(self):
        taking = {kind.name: kind.key_variable for kind in BY_NAME.values() if kind.key_variable is not None}
        expected = {
            "vllm": "VLLM_API_KEY",
            "llama-cpp": "LLAMA_API_KEY",
            "command": "LOADLINE_ENGINE_API_KEY",
        }
        self.assertEqual(taking, expected)

    def test_it_says_what_it_was_verified_with_or_cites_what_it_follows(self):
        for kind in BY_NAME.values():
            with self.subTest(engine=kind.name):
                if kind.verified is not None:
                    self.assertRegex(kind.verified.date, r"^2026-\d\d-\d\d$")
                elif kind.name != "command":
                    self.assertRegex(kind.documentation, "^https://")

    def test_the_editor_knows_which_ones_take_token_ids(self):
        for kind in BY_NAME.values():
            with self.subTest(engine=kind.name):
                with open(os.path.join(SOURCE, "core", "engine", kind.name, "launch.ts"), encoding="utf-8") as file:
                    self.assertEqual("takesTokenIds: true" in file.read(), kind.takes_token_ids)

    def test_it_is_asked_to_end_before_it_is_killed(self):
        for kind in BY_NAME.values():
            with self.subTest(engine=kind.name):
                self.assertEqual([number.name for number, _ in kind.stopping], ["SIGINT", "SIGTERM", "SIGKILL"])

    def test_every_remedy_names_a_direction(self):
        for kind in BY_NAME.values():
            for cause in kind.causes:
                for remedy in cause.remedies:
                    with self.subTest(engine=kind.name, cause=cause.pattern):
                        self.assertIn(remedy.change, ("raise", "lower", "set", "remove"))
                        self.assertTrue(remedy.why)


class RecordedVllmTest(unittest.TestCase):
    def test_metrics_under_load_are_read_from_what_a_real_server_said(self):
        with open(os.path.join(VLLM, "server", "metrics-after-c256.txt"), encoding="utf-8") as file:
            said = normalised(file.read(), BY_NAME["vllm"].metrics)
        self.assertEqual(
            said,
            {
                "running": 0,
                "waiting": 0,
                "kvUsage": 0,
                "preemptions": 0,
                "promptTokens": 85,
                "generationTokens": 7010,
                "prefixCacheHits": 0,
                "prefixCacheQueries": 85,
            },
        )

    def test_the_phases_of_a_recorded_start_come_in_order(self):
        lines = lines_of(VLLM, "server", "serve.log")
        seen = []
        for at in range(len(lines)):
            phase = phase_at(lines[max(0, at) : at + 1], BY_NAME["vllm"].phases)
            if phase != "load" and phase not in seen:
                seen.append(phase)
        self.assertEqual(seen, ["profile", "capture", "warm-up", "serving"])
        self.assertEqual(phase_at(lines, BY_NAME["vllm"].phases), "serving")

    def test_a_recorded_start_that_went_well_names_no_cause(self):
        for folder, _, names in os.walk(os.path.join(VLLM, "logs")):
            for name in names:
                with self.subTest(log=name):
                    found = diagnose(lines_of(folder, name), BY_NAME["vllm"].causes, None)
                    self.assertEqual(found.kind, "timeout", found.message)


    def test_starts_that_a_real_vllm_refused_are_told_with_phase_and_way_out(self):
        for log, flag, change, to in (
            ("engine-777c82bb4d63ed27.log", "max-model-len", "set", 2320),
            ("engine-926243bbd54f7605.log", "gpu-memory-utilization", "raise", None),
        ):
            with self.subTest(log=log):
                found = diagnose(
                    lines_of(H100, "memory-limit", log), BY_NAME["vllm"].causes, "with exit code 1", BY_NAME["vllm"].phases
                )
                first = found.remedies[0]
                self.assertEqual((found.kind, found.engine_phase), ("refused", "profile"))
                self.assertEqual((first["flag"], first["change"], first.get("to")), (flag, change, to))


class MetricsTest(unittest.TestCase):
    def test_ranks_add_up_and_the_fullest_cache_counts(self):
        text = (
            "# HELP vllm:num_requests_running Number of requests.\n"
            'vllm:num_requests_running{engine="0"} 3.0\nvllm:num_requests_running{engine="1"} 4.0\n'
            'vllm:kv_cache_usage_perc{engine="0"} 0.25\nvllm:kv_cache_usage_perc{engine="1"} 0.75\n'
            'vllm:num_preemptions_total{engine="0",model_name="a b{c}"} 2\n'
        )
        said = normalised(text, BY_NAME["vllm"].metrics)
        self.assertEqual((said["running"], said["kvUsage"], said["preemptions"]), (7, 0.75, 2))
        self.assertIsNone(said["waiting"], "not there is not 0")

    def test_an_older_name_is_taken_where_the_new_one_is_missing(self):
        said = normalised("vllm:gpu_cache_usage_perc 0.5\n", BY_NAME["vllm"].metrics)
        self.assertEqual(said["kvUsage"], 0.5)

    def test_what_is_no_number_is_not_known(self):
        said = normalised("sglang:token_usage NaN\nsglang:num_running_reqs +Inf\n", BY_NAME["sglang"].metrics)
        self.assertEqual(set(said.values()), {None})

    def test_each_engine_is_read_by_its_own_names(self):
        for name, line, field in (
            ("sglang", "sglang:num_queue_reqs 5", "waiting"),
            ("tgi", "tgi_batch_current_size 5", "running"),
            ("trtllm", "trtllm_num_requests_waiting 5", "waiting"),
            ("llama-cpp", "llamacpp:tokens_predicted_total 5", "generationTokens"),
            ("triton", "vllm:num_requests_running 5", "running"),
        ):
            with self.subTest(engine=name):
                self.assertEqual(normalised(line + "\n", BY_NAME[name].metrics)[field], 5)


class LogsTest(unittest.TestCase):
    """Logs assembled from documented texts (test/fixtures/engine-logs): what is found in each, in which phase, and which way out."""

    def test_every_log_is_diagnosed_as_its_first_line_says(self):
        names = sorted(name for name in os.listdir(LOGS) if name.endswith(".log"))
        self.assertGreaterEqual(len(names), 20)
        for name in names:
            with self.subTest(log=name):
                first, *lines = lines_of(LOGS, name)
                expected = ast.literal_eval(first[first.index("{") :])
                kind = BY_NAME[name.split(".")[0]]
                found = diagnose(lines, kind.causes, "with exit code 1", kind.phases)
                remedies = {remedy["flag"]: remedy["change"] for remedy in found.remedies}
                self.assertEqual(
                    {"kind": found.kind, "phase": found.engine_phase, "first": next(iter(remedies.items()), None)},
                    expected,
                    found.message,
                )
                self.assertTrue(any(line.strip() in found.message or line in found.excerpt for line in lines))

    def test_each_engine_has_logs_of_its_own(self):
        having = {name.split(".")[0] for name in os.listdir(LOGS)}
        self.assertLessEqual(set(BY_NAME) - {"command"}, having)


if __name__ == "__main__":
    unittest.main()
